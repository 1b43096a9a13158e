import { useEffect, useRef, useState } from 'react';
import type { SyncRow } from '../api/types.ts';
import { isTyping } from '../frame/shortcuts.ts';
import { navigate, syncLink } from '../router.tsx';

interface RowKeys {
  readonly total: number;
  readonly rowAt: (index: number) => SyncRow | undefined;
  readonly toggle: (row: SyncRow) => void;
  readonly scrollTo: (index: number) => void;
}

/** `j` and `k` move, `o` opens, `x` chooses. Returns the index of the active row; -1: none yet. */
export function useRowKeys(keys: RowKeys): number {
  const [active, setActive] = useState(-1);
  const latest = useRef({ ...keys, active });
  latest.current = { ...keys, active };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('[role=dialog], [role=menu]')) return;
      const { total, rowAt, toggle, scrollTo, active: at } = latest.current;
      const move = (to: number) => {
        const next = Math.max(0, Math.min(total - 1, to));
        setActive(next);
        scrollTo(next);
      };
      const row = rowAt(at);
      if (event.key === 'j' && total > 0) move(at + 1);
      else if (event.key === 'k' && total > 0) move(at - 1);
      else if (event.key === 'o' && row) navigate(syncLink(row.namespace, row.name));
      else if (event.key === 'x' && row) toggle(row);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return active;
}
