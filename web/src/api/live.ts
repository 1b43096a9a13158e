import { useEffect, useRef, useSyncExternalStore } from 'react';
import { LiveConnection, type LiveState } from './live-connection.ts';
import type { Live } from './types.ts';

export const live: LiveConnection = new LiveConnection();

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => live.onState(listener),
    () => live.state,
  );
}

/** Watches topics while the component is mounted. */
export function useLive(topics: readonly string[], onData: (data: Live) => void): void {
  const latest = useRef(onData);
  latest.current = onData;
  const key = topics.join('\n');
  useEffect(() => {
    const ends = key
      .split('\n')
      .filter((topic) => topic !== '')
      .map((topic) => live.subscribe(topic, (data) => latest.current(data)));
    return () => {
      for (const end of ends) end();
    };
  }, [key]);
}
