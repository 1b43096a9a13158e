import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { readFilter } from './filter.ts';

test('a filter is Extended JSON, with its types', () => {
  assert.equal(readFilter(undefined), undefined);
  const filter = readFilter(
    '{ "owner": { "$oid": "65f0c0ffee65f0c0ffee65f0" }, "$or": [{ "n": { "$gt": 5 } }, { "at": { "$date": "2026-01-01T00:00:00Z" } }] }',
  );
  assert.ok(filter?.owner instanceof BSON.ObjectId);
  assert.ok(filter.$or[1].at instanceof Date);
});

test('what is no object, runs code or could write is refused', () => {
  const bad = [
    '',
    '[]',
    '5',
    '{',
    '{ "$where": "true" }',
    '{ "a": { "$where": "true" } }',
    '{ "$expr": { "$function": { "body": "f", "args": [], "lang": "js" } } }',
    '{ "$and": [{ "x": { "$accumulator": {} } }] }',
    '{ "a": { "$code": "return true" } }',
    '{ "a": [{ "$code": "return true", "$scope": {} }] }',
    '{ "$out": "other" }',
    '{ "$text": { "$search": "x" } }',
    `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`,
  ];
  for (const text of bad)
    assert.throws(() => readFilter(text), { code: 'QueryInvalid', path: 'spec.source.filter' }, text);
});
