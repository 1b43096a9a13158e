import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import type { Index } from '../describe.ts';
import { relationOf } from './relation.ts';

const columns = [
  { name: 'id', path: '_id', type: 'int64', nullable: false },
  { name: 'word', path: 'word', type: 'text', nullable: false },
  { name: 'n', path: 'o.n', type: 'int64', nullable: true },
];
const index = (name: string, fields: readonly string[], isUnique = true): Index => ({
  ...{ name, isUnique, isPlain: true, definition: {} },
  fields: fields.map((each) => [each, 1]),
});

function relation(options: Document, indexes: readonly Index[] = []) {
  return relationOf(
    { name: 'c', kind: 'collection', identity: undefined, options },
    columns,
    indexes,
    undefined,
  );
}

test('texts of a collection with a collation are compared by it, so that different ones may be one key', () => {
  const wordOf = (options: Document) => relation(options).columns.find(({ name }) => name === 'word');
  const coarse = wordOf({ collation: { locale: 'de', strength: 1, caseLevel: true } });
  assert.deepEqual([coarse?.collation, coarse?.equality], ['de/1/case', 'mongodb:de/1/case']);
  for (const options of [{}, { collation: { locale: 'simple' } }])
    assert.deepEqual(Object.hasOwn(wordOf(options) ?? {}, 'equality'), false);
});

test('keys are unique indexes whose fields are columns that every document has, the one over _id first', () => {
  const found = relation({}, [
    index('by n', ['o.n']),
    index('by word', ['word']),
    index('not a column', ['other']),
    index('not unique', ['word'], false),
    index('both may be missing', ['word', 'o.n']),
    index('_id_', ['_id']),
  ]).keys;
  assert.deepEqual(
    found.map(({ columns: of, isPrimary }) => [of.join(), isPrimary]),
    [
      ['id', true],
      ['word', false],
      ['n', false],
    ],
  );
});
