import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataFindings } from './metadata-rules.ts';

const pathsOf = (parts: Partial<Parameters<typeof metadataFindings>[0]>) =>
  metadataFindings({ namespace: 'team-a', name: 'orders', ...parts }).map(({ path }) => path);

test('names, namespaces and labels are those of Kubernetes', () => {
  assert.deepEqual(pathsOf({}), []);
  assert.deepEqual(pathsOf({ name: 'a.b-1', namespace: 'a'.repeat(63) }), []);
  for (const namespace of ['a/b', 'Team', 'a.b', '', 'x\u0000y', 'a'.repeat(64), '..'])
    assert.deepEqual(pathsOf({ namespace }), ['metadata.namespace'], namespace);
  for (const name of ['a/b', 'A', '', '-a', 'a'.repeat(254)])
    assert.deepEqual(pathsOf({ name }), ['metadata.name'], name);
  const valid = {
    app: 'x',
    'example.org/App_1': 'a.B-c',
    empty: '',
    [`a/${'k'.repeat(63)}`]: 'v'.repeat(63),
  };
  assert.deepEqual(pathsOf({ labels: valid }), []);
  for (const labels of [
    { 'a b': 'x' },
    { 'a\n': 'x' },
    { a: 'x y' },
    { a: 'é' },
    { a: 'v'.repeat(64) },
    { '': 'x' },
    { '/a': 'x' },
    { 'a/b/c': 'x' },
    { 'A_/b': 'x' },
    { a: '-' },
  ])
    assert.deepEqual(pathsOf({ labels }), ['metadata.labels'], JSON.stringify(labels));
});
