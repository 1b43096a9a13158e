import { useEffect } from 'react';
import { navigate } from '../router.tsx';

const targets: Readonly<Record<string, string>> = {
  o: '/',
  s: '/syncs',
  d: '/data-sources',
  a: '/activity',
};

/** Whether a key is text for a field, not a command. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Ctrl-K opens the palette, `/` goes to the search of the page, `g` and a letter to a page. */
export function useShortcuts(openPalette: () => void): void {
  useEffect(() => {
    let isGoing = false;
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        openPalette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('[role=dialog]')) return;
      const target = isGoing ? targets[event.key] : undefined;
      isGoing = event.key === 'g';
      if (target !== undefined) {
        navigate(target);
        event.stopImmediatePropagation();
      } else if (event.key === '/') {
        event.preventDefault();
        const search = document.querySelector<HTMLInputElement>('input[type=search]');
        if (search) search.focus();
        else openPalette();
      }
    };
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [openPalette]);
}
