import { type AnchorHTMLAttributes, type MouseEvent, useMemo, useSyncExternalStore } from 'react';
import { basePath } from './base-path.ts';

const listeners = new Set<() => void>();
/** Asked before the page is left. False: stay. */
let mayLeave: () => boolean = () => true;

function changed(): void {
  for (const listener of listeners) listener();
}

let shown = window.location.href;
window.addEventListener('popstate', () => {
  if (isOtherPage(window.location.href) && !mayLeave()) {
    window.history.pushState(null, '', shown);
    return;
  }
  shown = window.location.href;
  changed();
});

function isOtherPage(href: string): boolean {
  return new URL(href).pathname !== new URL(shown).pathname;
}

/** A path below the base path, with its query. */
export function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const href = new URL(basePath + to, window.location.href).href;
  if (isOtherPage(href) && !mayLeave()) return;
  if (replace) window.history.replaceState(null, '', href);
  else if (href !== window.location.href) window.history.pushState(null, '', href);
  const isOther = isOtherPage(href);
  shown = href;
  if (isOther) window.scrollTo(0, 0);
  changed();
}

/** Returns a function that ends it. */
export function guardLeaving(ask: () => boolean): () => void {
  mayLeave = ask;
  const onUnload = (event: BeforeUnloadEvent) => {
    event.preventDefault();
  };
  window.addEventListener('beforeunload', onUnload);
  return () => {
    mayLeave = () => true;
    window.removeEventListener('beforeunload', onUnload);
  };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The path below the base path. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname.slice(basePath.length) || '/');
}

/** The query of the address, and a function that changes some of it; undefined or empty removes one. */
export function useSearch(): readonly [URLSearchParams, SetSearch] {
  const text = useSyncExternalStore(subscribe, () => window.location.search);
  return useMemo(() => [new URLSearchParams(text), setSearch] as const, [text]);
}

export type SetSearch = (
  changes: Readonly<Record<string, string | readonly string[] | undefined>>,
  options?: { readonly replace?: boolean },
) => void;

const setSearch: SetSearch = (changes, { replace = true } = {}) => {
  const next = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    const values = value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value];
    for (const each of values) next.append(name, String(each));
  }
  const text = next.toString();
  const path = window.location.pathname.slice(basePath.length) || '/';
  navigate(text === '' ? path : `${path}?${text}`, { replace });
};

/** The parts of a path that fits a pattern such as `/syncs/:namespace/:name`. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/(.)\/$/, '$1').split('/');
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, each] of wanted.entries()) {
    const part = given[index] ?? '';
    if (each.startsWith(':') && part !== '') parts[each.slice(1)] = decode(part);
    else if (each !== part) return undefined;
  }
  return parts;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly to: string;
}

export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...rest} href={basePath + to} onClick={follow} />;
}

export function syncLink(namespace: string, name: string): string {
  return `/syncs/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

export function dataSourceLink(namespace: string, name: string): string {
  return `/data-sources/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}
