import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../session.ts';
import { serverTimeZone } from './time-zone.ts';

const signal = new AbortController().signal;

/** `name` undefined: a server without CURRENT_TIMEZONE_ID. */
function serverIn(offset: string, name: string | undefined): Session {
  return {
    isLost: false,
    query: async () => [[offset]],
    guard: <T>(body: () => Promise<T>) => body(),
    async run() {
      if (name === undefined) throw new Error('there is no such function');
      return [{ fields: [], rows: [[name]] }];
    },
  } as unknown as Session;
}

test('only UTC is known by itself: an offset may change in summer, and zones have names of Windows', async () => {
  const zones: readonly (readonly [offset: string, name: string | undefined, zone: string])[] = [
    ['+00:00', 'UTC', 'UTC'],
    ['+00:00', undefined, 'UTC'],
    // London, in winter.
    ['+00:00', 'GMT Standard Time', 'SYSTEM (GMT Standard Time)'],
    ['+01:00', 'W. Europe Standard Time', 'SYSTEM (W. Europe Standard Time)'],
    ['+02:00', undefined, 'SYSTEM (+02:00)'],
  ];
  for (const [offset, name, zone] of zones)
    assert.equal(await serverTimeZone(serverIn(offset, name), signal), zone);
});
