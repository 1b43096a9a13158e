import type { ColumnSizingState, OnChangeFn } from '@tanstack/react-table';
import { useState } from 'react';

const key = 'idra.columns';

/** Widths that the user has set, kept in this browser. */
export function useColumnSizes(): readonly [ColumnSizingState, OnChangeFn<ColumnSizingState>] {
  const [sizes, setSizes] = useState(read);
  const change: OnChangeFn<ColumnSizingState> = (update) =>
    setSizes((old) => {
      const next = typeof update === 'function' ? update(old) : update;
      window.localStorage.setItem(key, JSON.stringify(next));
      return next;
    });
  return [sizes, change];
}

function read(): ColumnSizingState {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(key) ?? '{}');
    const entries = Object.entries(stored ?? {}).filter(([, size]) => typeof size === 'number' && size > 20);
    return Object.fromEntries(entries) as ColumnSizingState;
  } catch {
    return {};
  }
}
