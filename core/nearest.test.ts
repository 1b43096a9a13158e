import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnRemedy, nearest } from './nearest.ts';

test('the nearest known name, or none if no name is near', () => {
  assert.equal(nearest('tabel', ['table', 'query', 'key']), 'table');
  assert.equal(nearest('timestampfield', ['idField', 'timestampField']), 'timestampField');
  assert.equal(nearest('frequency', ['table', 'query', 'key']), undefined);
  assert.equal(nearest('nr', ['id', 'at']), undefined);
});

test('a missing column: the nearest one first, then all', () => {
  assert.equal(
    columnRemedy('upadted_at', ['id', 'updated_at']),
    'did you mean updated_at? It has: id, updated_at',
  );
  assert.equal(columnRemedy('nr', ['id', 'updated_at']), 'it has: id, updated_at');
  assert.equal(columnRemedy(undefined, ['id']), 'it has: id');
});
