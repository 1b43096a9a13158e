import { useSyncExternalStore } from 'react';

export interface SavedView {
  readonly name: string;
  /** The search of the address. */
  readonly search: string;
}

const mostViews = 50;
const none: readonly SavedView[] = [];
const listeners = new Set<() => void>();
/** By key, so that the same text gives the same list. */
const parsed = new Map<string, { readonly text: string; readonly views: readonly SavedView[] }>();

const keyOf = (user: string) => `idra.views.${user}`;

/** Kept in this browser; each user has their own. A link shows the same list to others. */
export function viewsOf(user: string): readonly SavedView[] {
  const key = keyOf(user);
  const text = window.localStorage.getItem(key);
  if (text === null) return none;
  const known = parsed.get(key);
  if (known?.text === text) return known.views;
  const views = parse(text);
  parsed.set(key, { text, views });
  return views;
}

export function useViews(user: string): readonly SavedView[] {
  return useSyncExternalStore(subscribe, () => viewsOf(user));
}

/** Replaces the one of the same name. */
export function saveView(user: string, view: SavedView): void {
  const others = viewsOf(user).filter(({ name }) => name !== view.name);
  store(user, [...others, view].toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, mostViews));
}

export function deleteView(user: string, name: string): void {
  store(
    user,
    viewsOf(user).filter((each) => each.name !== name),
  );
}

function store(user: string, views: readonly SavedView[]): void {
  window.localStorage.setItem(keyOf(user), JSON.stringify(views));
  for (const listener of listeners) listener();
}

/** Another tab may change them too. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

function parse(text: string): readonly SavedView[] {
  try {
    const stored: unknown = JSON.parse(text);
    return Array.isArray(stored) ? stored.filter(isView) : none;
  } catch {
    return none;
  }
}

function isView(value: unknown): value is SavedView {
  const { name, search } = (value ?? {}) as Partial<SavedView>;
  return typeof name === 'string' && typeof search === 'string';
}
