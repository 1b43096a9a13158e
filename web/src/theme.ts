import { useSyncExternalStore } from 'react';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'idra.theme';
const listeners = new Set<() => void>();

function stored(): Theme {
  const text = window.localStorage.getItem(key);
  return themes.find((each) => each === text) ?? 'system';
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = stored();
}

export function setTheme(theme: Theme): void {
  window.localStorage.setItem(key, theme);
  applyTheme();
  for (const listener of listeners) listener();
}

const isDark = window.matchMedia('(prefers-color-scheme: dark)');
isDark.addEventListener('change', () => {
  for (const listener of listeners) listener();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, stored);
}

/** What is on screen: for drawings, which take no colours from style sheets. */
export function useShownTheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, () => {
    const theme = stored();
    if (theme !== 'system') return theme;
    return isDark.matches ? 'dark' : 'light';
  });
}

/** Whether the window fits a media query. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => window.matchMedia(query).matches,
  );
}
