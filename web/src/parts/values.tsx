import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ago, compact, exact, number } from '../format.ts';
import { strings } from '../strings.ts';

const clockListeners = new Set<() => void>();
let now = Date.now();
window.setInterval(() => {
  now = Date.now();
  for (const listener of clockListeners) listener();
}, 5_000);

/** Changes every few seconds, for relative times. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      clockListeners.add(listener);
      return () => clockListeners.delete(listener);
    },
    () => now,
  );
}

/** Relative, with the exact time on hover. */
export function Time({ at }: { readonly at: string | undefined }) {
  useNow();
  if (at === undefined || at === '') return <Nothing />;
  return (
    <time dateTime={at} title={exact(at)} className="nowrap">
      {ago(at, Date.now())}
    </time>
  );
}

export function Nothing() {
  return (
    <span className="faint" title={strings.none}>
      <span aria-hidden="true">–</span>
      <span className="hidden-text">{strings.none}</span>
    </span>
  );
}

/** A number that is marked for a second when it changes. */
export function Count({ value, isShort = false }: { readonly value: number; readonly isShort?: boolean }) {
  const before = useRef(value);
  const [isNew, setNew] = useState(false);
  useEffect(() => {
    if (before.current === value) return;
    before.current = value;
    setNew(true);
    const timer = window.setTimeout(() => setNew(false), 1_000);
    return () => clearTimeout(timer);
  }, [value]);
  return (
    <span className={isNew ? 'number changed' : 'number'} title={number(value)}>
      {isShort ? compact(value) : number(value)}
    </span>
  );
}

/** A text to copy, such as an offset or an id. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    window.setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <span className="copyable">
      <code>{text}</code>
      <button
        type="button"
        className="copy"
        aria-label={strings.copy(label)}
        title={strings.copy(label)}
        onClick={() => void copy().catch(() => {})}
      >
        <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" className="glyph">
          <path d={isCopied ? 'M2 7.5l3.5 3.5L12 3.5' : 'M5 5h7v7H5zM2 9V2h7'} />
        </svg>
      </button>
      <span role="status" className="hidden-text">
        {isCopied ? strings.copied : ''}
      </span>
    </span>
  );
}
