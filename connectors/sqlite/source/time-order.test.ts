import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Source } from '../../../core/connector.ts';
import type { Offset } from '../../../core/offset.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { execute, openSource, readAll, requestFor, signal } from '../test-harness.ts';

let folder: string;
let file: string;
const opened: Source[] = [];

beforeEach(async () => {
  folder = await tempFolder('time-order');
  file = join(folder, 's.db');
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await removeFolder(folder);
});

async function open(): Promise<Source> {
  const source = await openSource(file, { table: 't', timestampField: 'at' });
  opened.push(source);
  return source;
}

function fill(...times: readonly string[]): void {
  const rows = times.map((time) => `('${time}')`).join(', ');
  execute(
    file,
    `CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL); INSERT INTO t (at) VALUES ${rows}`,
  );
}

async function codes(): Promise<readonly string[]> {
  const source = await open();
  await source.describe(signal);
  return (await source.check('Timestamp', signal)).map((finding) => finding.code);
}

const mixed: readonly (readonly [string, readonly string[], boolean])[] = [
  ['T and a blank', ['2026-01-01T10:00:00', '2026-01-02 10:00:00'], true],
  ['two zones', ['2026-01-01T10:00:00+02:00', '2026-01-02T10:00:00-05:00'], true],
  ['UTC and a zone', ['2026-01-01 10:00:00Z', '2026-01-02 10:00:00+01:00'], true],
  [
    'two ways to write UTC',
    ['2026-01-01 10:00:00Z', '2026-01-02 10:00:00+00:00', '2026-01-03 10:00:00'],
    false,
  ],
  ['one zone that is not UTC', ['2026-01-01 10:00:00+0200', '2026-01-02 10:00:00+02:00'], false],
  [
    'fractions of several lengths',
    ['2026-01-01 10:00:00', '2026-01-01 10:00:00.5', '2026-01-01 10:00:00.123456'],
    false,
  ],
];

for (const [name, times, isRefused] of mixed) {
  test(`times as text: ${name}: ${isRefused ? 'refused' : 'read'}`, async () => {
    fill(...times);
    assert.deepEqual(await codes(), isRefused ? ['TimestampShapesMixed'] : []);
  });
}

test('a writer in another zone shows by the newest rows, wherever they sort', async () => {
  fill(
    ...Array.from({ length: 3_000 }, (_, row) => `2026-01-01 10:${String(row % 60).padStart(2, '0')}:00Z`),
  );
  fill('2026-01-01 10:30:00-05:00');
  assert.deepEqual(await codes(), ['TimestampShapesMixed']);
});

for (const [name, late] of Object.entries({
  'in a zone behind': '2026-01-05 05:30:00-05:00',
  'with a blank instead of T': '2026-01-05 11:00:00',
})) {
  test(`a row that comes later and sorts below the offset stops the pass: ${name}`, async () => {
    fill(name.includes('T') ? '2026-01-05T10:00:00' : '2026-01-05 10:00:00Z');
    const source = await open();
    const request = requestFor(await source.describe(signal), {
      mode: 'Timestamp',
      timestampField: 'at',
      after: null,
    });
    const first = await readAll(source, request);
    const after = first.batches.at(-1)?.offset as Offset;
    assert.deepEqual((await readAll(source, { ...request, after })).rows, []);
    fill(late);
    await assert.rejects(readAll(source, { ...request, after }), {
      code: 'TimestampShapesMixed',
      message: /^1 row /,
    });
  });
}

test("a column in one zone is read up to that zone's own current second", async () => {
  const shown = (zone: number, secondsAgo: number) =>
    `${new Date(Date.now() + zone * 3_600_000 - secondsAgo * 1_000).toISOString().slice(0, 19)}${zone < 0 ? '-05:00' : '+02:00'}`;
  for (const zone of [-5, 2]) {
    execute(file, 'DROP TABLE IF EXISTS t');
    // One time long in the past, and one that the file's clock has not reached.
    fill(shown(zone, 60), shown(zone, -3_600));
    const source = await open();
    const request = requestFor(await source.describe(signal), {
      mode: 'Timestamp',
      timestampField: 'at',
      after: null,
    });
    const { rows, end } = await readAll(source, request);
    assert.equal(rows.length, 1, String(zone));
    assert.equal(end.isHeldBack, true);
  }
});
