import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column } from '../../../core/values.ts';
import { PartRows, withKey } from './part-rows.ts';

const columns = ['id', 'body'].map((name) => ({ name, type: { kind: 'text' }, isNullable: true }) as Column);
const selected = { columns, keys: [0], limits: { maxRows: 3, maxBytes: 100 } };
const upperCase = ({ name }: Column) =>
  name === 'body' ? (cell: never) => String(cell).toUpperCase() : undefined;

test('a part ends before the row that exceeds a limit, and its rows are decoded', () => {
  const part = new PartRows(selected, upperCase);
  const taken = [1, 2, 3, 4].map((id) => part.push([String(id), id === 2 ? null : 'a']));
  assert.deepEqual(taken, [true, true, true, false]);
  const finished = part.finish();
  assert.ok(finished);
  assert.deepEqual(
    [...finished.rows.rows],
    [
      ['1', 'A'],
      ['2', null],
      ['3', 'A'],
    ],
  );
  const { lastKey, rowCount, byteCount } = withKey(finished, selected);
  assert.deepEqual([lastKey, rowCount, byteCount], [['3'], 3, 48]);
});

test('a row that is larger than a part is a part of its own', () => {
  const part = new PartRows(selected, upperCase);
  assert.equal(part.push(['1', 'x'.repeat(1_000)]), true);
  assert.equal(part.push(['2', 'x']), false);
  assert.equal(new PartRows(selected, upperCase).finish(), undefined);
});

test('a row without a key is an error when its part is read', () => {
  const part = new PartRows(selected, upperCase);
  part.push([null, 'x']);
  const finished = part.finish();
  assert.ok(finished);
  assert.throws(() => withKey(finished, selected), { code: 'KeyNullable' });
});
