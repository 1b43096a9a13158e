import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdraError } from './errors.ts';
import {
  decodeOffset,
  encodeOffset,
  formatOffset,
  isShortened,
  type Offset,
  parseOffset,
  scalarText,
  shownOffset,
  withColumns,
  withoutColumns,
} from './offset.ts';

const keys = fc.array(fc.string(), { minLength: 1, maxLength: 3 });
const timestamps = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    }),
    fc.integer({ min: 0, max: 999_999 }),
  )
  .map(
    ([date, micros]) =>
      `${date.toISOString().slice(0, 19).replace('T', ' ')}.${String(micros).padStart(6, '0')}Z`,
  );
const offsets: fc.Arbitrary<Offset> = fc.oneof(
  fc.record({ mode: fc.constant('Id' as const), id: fc.bigInt().map(String) }),
  fc.record({ mode: fc.constant('Timestamp' as const), at: timestamps, key: keys }),
  fc.record({
    mode: fc.constant('Snapshot' as const),
    pass: fc.nat(),
    key: fc.option(keys),
    isComplete: fc.constant(false),
  }),
  fc.record({
    mode: fc.constant('Snapshot' as const),
    pass: fc.nat(),
    key: fc.constant(null),
    isComplete: fc.constant(true),
  }),
);

test('an offset is unchanged after a round trip through JSON and text', () => {
  fc.assert(
    fc.property(offsets, (given) => {
      const offset = { ...given };
      assert.deepEqual(decodeOffset(encodeOffset(offset)), offset);
      assert.deepEqual(parseOffset(formatOffset(offset), offset.mode), offset);
      assert.deepEqual(parseOffset(encodeOffset(offset), offset.mode), offset);
    }),
  );
});

test('an offset that does not match the mode is refused with an example', () => {
  for (const [text, mode] of [
    ['', 'Id'],
    ['2026-11-24', 'Timestamp'],
    ['pass x', 'Snapshot'],
    ['{"mode":"Id","id":"4"}', 'Timestamp'],
  ] as const) {
    assert.throws(
      () => parseOffset(text, mode),
      (error) =>
        error instanceof IdraError && error.code === 'OffsetInvalid' && /write it as: /.test(error.fix ?? ''),
    );
  }
  assert.throws(() => decodeOffset('{"mode":"Elsewhere"}'), /not one that this version knows/);
});

test('scalars as text are not rounded', () => {
  assert.equal(scalarText(9_223_372_036_854_775_807n), '9223372036854775807');
  assert.equal(scalarText(Buffer.from([0, 255])), '00ff');
  assert.equal(scalarText(structuredClone(Buffer.from([48]))), '30');
  assert.equal(scalarText('x'), 'x');
});

test('bytes are written as hexadecimal digits, also if they come from another thread', () => {
  const bytes = Buffer.from([0, 0x5c, 0xff]);
  for (const value of [bytes, structuredClone(bytes) as Buffer]) assert.equal(scalarText(value), '005cff');
});

test('an offset of a stream is a token of any text, or the JSON of such an offset', () => {
  const columns = [{ name: 'a', path: 'a', type: 'text', nullable: true }];
  const stored: Offset = { mode: 'Stream', token: '{"position":7}', columns };
  assert.deepEqual(decodeOffset(encodeOffset(stored)), stored);
  assert.equal(formatOffset(stored), '{"position":7}');
  assert.deepEqual(parseOffset(formatOffset(stored), 'Stream'), { mode: 'Stream', token: '{"position":7}' });
  assert.deepEqual(parseOffset(encodeOffset(stored), 'Stream'), stored);
  assert.deepEqual(parseOffset(' 0000:12 ', 'Stream'), { mode: 'Stream', token: '0000:12' });
  for (const wrong of ['', '{"mode":"Id","id":"1"}'])
    assert.throws(() => parseOffset(wrong, 'Stream'), { code: 'OffsetInvalid' });
  assert.throws(() => decodeOffset('{"mode":"Stream","token":"t","columns":[{"name":"a"}]}'), {
    code: 'OffsetUnreadable',
  });
});

test('columns stay with later offsets, and are not shown in a status', () => {
  const columns = [{ name: 'a', path: 'a', type: 'text', nullable: true }];
  const offset: Offset = { mode: 'Id', id: '1' };
  assert.deepEqual(withColumns(offset, columns), { ...offset, columns });
  assert.equal(withColumns(offset, undefined), offset);
  assert.deepEqual(withoutColumns({ ...offset, columns }), offset);
});

test('a long offset is shown by its beginning and its hash, which are not taken for an offset', () => {
  const stream = (token: string): Offset => ({ mode: 'Stream', token });
  assert.equal(shownOffset(stream('x'.repeat(400))), 'x'.repeat(400));
  assert.equal(shownOffset(null), '');
  const shown = shownOffset(stream(`{"n":7,${'x'.repeat(90_000)}`));
  assert.match(shown, /^\{"n":7,x{100,}\.\.\. \(90007 characters, sha256 [0-9a-f]{12}\)$/);
  assert.notEqual(shown, shownOffset(stream(`{"n":7,${'x'.repeat(89_999)}y`)));
  assert.ok(isShortened(shown) && !isShortened(formatOffset(stream('x'.repeat(90_000)))));
  assert.throws(() => parseOffset(shown, 'Stream'), { code: 'OffsetInvalid' });
});
