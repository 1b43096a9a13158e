import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantMs } from './instant.ts';

test('the instant of a timestamp, with and without time zone', () => {
  const cases: [text: string, timeZone: string, instant: string | undefined][] = [
    ['2026-11-24 08:00:00.5Z', 'Asia/Tokyo', '2026-11-24T08:00:00.500Z'],
    ['2026-11-24 08:00:00.123456', 'UTC', '2026-11-24T08:00:00.123Z'],
    ['2026-11-24 08:00:00', 'Asia/Tokyo', '2026-11-23T23:00:00.000Z'],
    ['2026-11-24 08:00:00', '+09:00', '2026-11-23T23:00:00.000Z'],
    ['2026-11-24 08:00:00.25', 'America/New_York', '2026-11-24T13:00:00.250Z'],
    ['2026-03-29 03:30:00', 'Europe/Rome', '2026-03-29T01:30:00.000Z'],
    ['2026-11-24', 'Asia/Tokyo', '2026-11-23T15:00:00.000Z'],
    ['infinity', 'UTC', undefined],
  ];
  for (const [text, timeZone, instant] of cases) {
    const ms = instantMs(text, timeZone);
    assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), instant, `${text} ${timeZone}`);
  }
});
