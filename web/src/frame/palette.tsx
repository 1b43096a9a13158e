import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { call } from '../api/client.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { DataSourceList, Session, SyncList } from '../api/types.ts';
import { Modal } from '../parts/dialog.tsx';
import { dataSourceLink, navigate, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { viewsOf } from '../syncs/views.ts';
import { setTheme, themes } from '../theme.ts';

const text = strings.palette;

interface Entry {
  readonly key: string;
  readonly kind: string;
  readonly label: string;
  readonly run: () => void;
}

interface PaletteProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Everything that can be gone to or done, by typing some of its name. */
export function Palette({ isOpen, onClose }: PaletteProps) {
  return (
    <Modal title={text.title} isOpen={isOpen} onClose={onClose}>
      <PaletteContent onClose={onClose} />
    </Modal>
  );
}

function PaletteContent({ onClose }: { readonly onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const entries = useEntries(typed);
  const at = Math.min(active, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive(Math.min(entries.length - 1, at + 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(0, at - 1));
    else if (event.key === 'Enter') run(entries[at]);
    else return;
    event.preventDefault();
  };
  return (
    <div className="palette">
      <input
        ref={input}
        role="combobox"
        aria-label={text.title}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={entries[at] ? `${id}-${at}` : undefined}
        placeholder={text.sample}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKey}
      />
      <div role="listbox" id={id} aria-label={text.title} className="palette-list">
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
          <div
            key={entry.key}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className="palette-entry"
            onClick={() => run(entry)}
          >
            <span className="clip">{entry.label}</span>
            <span className="soft">{entry.kind}</span>
          </div>
        ))}
      </div>
      {entries.length === 0 && <p className="soft">{text.none}</p>}
      <p className="hint">{text.keys}</p>
    </div>
  );
}

const waitMs = 120;

/** Pages and actions that fit, and what the server finds. */
function useEntries(typed: string): readonly Entry[] {
  const session = useSession();
  const [q, setQ] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setQ(typed.trim()), waitMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const syncs = useQuery({
    queryKey: ['palette', 'syncs', q],
    queryFn: ({ signal }) => call<SyncList>('/syncs', { query: { q, limit: 8 }, signal }),
    placeholderData: (before) => before,
  });
  const dataSources = useQuery({
    queryKey: ['palette', 'datasources', q],
    queryFn: ({ signal }) => call<DataSourceList>('/datasources', { query: { q, limit: 5 }, signal }),
    placeholderData: (before) => before,
  });
  const words = typed.toLowerCase().trim();
  const own = fixedEntries(session).filter(({ label }) => label.toLowerCase().includes(words));
  // The search also finds tables and messages; what has the words in its name comes first.
  const isNamed = ({ label }: Entry) => Number(label.toLowerCase().includes(words));
  const found = [
    ...(syncs.data?.items ?? []).map(({ uid, namespace, name }) => ({
      key: uid,
      kind: text.sync,
      label: `${namespace}/${name}`,
      run: () => navigate(syncLink(namespace, name)),
    })),
    ...(dataSources.data?.items ?? []).map(({ uid, namespace, name }) => ({
      key: uid,
      kind: text.dataSource,
      label: `${namespace}/${name}`,
      run: () => navigate(dataSourceLink(namespace, name)),
    })),
  ];
  return [...own, ...found.toSorted((a, b) => isNamed(b) - isNamed(a))];
}

const pages = [
  ['/', 'overview'],
  ['/syncs', 'syncs'],
  ['/data-sources', 'dataSources'],
  ['/agents', 'agents'],
  ['/activity', 'activity'],
  ['/settings', 'settings'],
] as const;

function fixedEntries(session: Session): readonly Entry[] {
  const isSingle = session.mode === 'single';
  const go = (to: string, label: string): Entry => ({
    key: to,
    kind: text.page,
    label,
    run: () => navigate(to),
  });
  return [
    ...pages
      .filter(([to]) => !isSingle || to !== '/agents')
      .map(([to, name]) => go(to, strings.places[name])),
    ...(isGranted(session, 'editor') && !isSingle
      ? [go('/syncs/new', strings.syncs.add), go('/data-sources/new', strings.dataSources.add)]
      : []),
    go('/syncs?attention=failed&attention=lagging', text.attention),
    ...viewsOf(session.user).map(({ name, search }) => ({
      ...go(`/syncs?${search}`, name),
      kind: text.view,
    })),
    ...themes.map((theme) => ({
      key: `theme-${theme}`,
      kind: text.action,
      label: `${strings.frame.theme}: ${strings.themes[theme]}`,
      run: () => setTheme(theme),
    })),
  ];
}
