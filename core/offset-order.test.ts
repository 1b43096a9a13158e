import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdraError } from './errors.ts';
import type { Offset } from './offset.ts';
import { requireAhead } from './offset-order.ts';
import type { ColumnType } from './values.ts';

const int: ColumnType = { kind: 'int', bits: 64 };
const decimal: ColumnType = { kind: 'decimal' };
const instant: ColumnType = { kind: 'timestamp', precision: 6, hasZone: true };
const text: ColumnType = { kind: 'text' };
const id = (value: string, key?: string[]): Offset => ({ mode: 'Id', id: value, ...(key && { key }) });
const at = (value: string, ...key: string[]): Offset => ({ mode: 'Timestamp', at: value, key });
const page = (pass: number, ...key: string[]): Offset => ({ mode: 'Snapshot', pass, key, isComplete: false });

const ahead: [Offset | null, Offset, ColumnType[]][] = [
  [null, id('5'), [int]],
  [id('9'), id('10'), [int]],
  [id('-10'), id('-9'), [int]],
  [id('9007199254740993'), id('9007199254740994'), [int]],
  [id('9', ['z']), id('9', ['a']), [int, text]],
  [id('9'), id('9', ['a']), [int, text]],
  [id('1.5'), id('1.50001'), [decimal]],
  [at('2026-11-24 08:00:00.9Z', '1'), at('2026-11-24 08:00:00.91Z', '1'), [instant, int]],
  [at('2026-11-24 08:00:00Z', '9'), at('2026-11-24 08:00:00Z', '10'), [instant, int]],
  [at('-infinity', '9'), at('2026-11-24 08:00:00Z', '1'), [instant, int]],
  [page(1, '7'), page(2, '1'), [int]],
];
const behind: [Offset, Offset, ColumnType[]][] = [
  [id('10'), id('9'), [int]],
  [id('10'), id('10'), [int]],
  [id('4626319902466574909'), id('19'), [int]],
  [id('1.5'), id('1.4999'), [decimal]],
  [at('2026-11-24 08:00:00.91Z', '1'), at('2026-11-24 08:00:00.9Z', '2'), [instant, int]],
  [at('2026-11-24 08:00:00Z', '10'), at('2026-11-24 08:00:00Z', '9'), [instant, int]],
  [page(1, '7'), page(1, '1'), [int]],
];

test('an offset ahead of the last one is accepted', () => {
  for (const [before, after, types] of ahead) requireAhead(before, after, types);
});

test('an offset that is not ahead is refused before anything is written', () => {
  for (const [before, after, types] of behind) {
    assert.throws(
      () => requireAhead(before, after, types),
      (error) => error instanceof IdraError && error.code === 'OffsetWentBack',
      `${JSON.stringify(before)} ${JSON.stringify(after)}`,
    );
  }
});

test('tokens of a stream are compared by their source', () => {
  const stream = (token: string): Offset => ({ mode: 'Stream', token });
  const isAhead = (before: string, after: string) => Number(after) > Number(before);
  requireAhead(stream('1'), stream('2'), [], isAhead);
  requireAhead(null, stream('1'), [], isAhead);
  for (const token of ['1', '2'])
    assert.throws(() => requireAhead(stream('2'), stream(token), [], isAhead), { code: 'OffsetWentBack' });
  assert.throws(() => requireAhead(stream('1'), stream('2'), []), { code: 'Bug' });
});
