import { useEffect, useState } from 'react';

const typingMs = 500;

/** A text as it was when nobody had typed for a moment, and whether it is still that. */
export function useSettled(text: string): readonly [settled: string, isSettled: boolean] {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), typingMs);
    return () => clearTimeout(timer);
  }, [text]);
  return [settled, settled === text];
}
