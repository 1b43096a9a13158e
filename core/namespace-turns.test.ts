import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InLine, NamespaceTurns } from './namespace-turns.ts';

interface Named extends InLine {
  readonly name: string;
}

function named(name: string, sinceMs = 0): Named {
  return { name, namespace: name.slice(0, 1), sinceMs };
}

function served(turns: NamespaceTurns<Named>): string {
  const names: string[] = [];
  for (let next = turns.shift(); next; next = turns.shift()) names.push(next.name);
  return names.join(' ');
}

test('two of each namespace are served in turn, each namespace in order of arrival', () => {
  const turns = new NamespaceTurns<Named>();
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'b3', 'c1']) turns.add(named(name));
  assert.equal(served(turns), 'a1 a2 b1 b2 c1 a3 a4 b3 a5');
});

test('many namespaces with one Sync each are served in order of arrival, both connections of a Sync together', () => {
  const turns = new NamespaceTurns<Named>();
  for (const name of ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']) turns.add(named(name));
  assert.equal(served(turns), 'a1 a2 b1 b2 c1 c2');
});

test('a namespace that comes again is last, and one that does not wait any more is skipped', () => {
  const turns = new NamespaceTurns<Named>();
  const [left, stays] = [named('b1', 7), named('c1', 9)];
  for (const waiter of [named('a1', 5), left, stays]) turns.add(waiter);
  assert.equal(turns.oldestSinceMs, 5);
  assert.equal(turns.shift()?.name, 'a1');
  turns.add(named('a2', 11));
  assert.equal(turns.remove(left), true);
  assert.equal(turns.remove(left), false);
  assert.deepEqual(turns.namespaces, ['c', 'a']);
  assert.equal(turns.oldestSinceMs, 9);
  assert.equal(served(turns), 'c1 a2');
});
