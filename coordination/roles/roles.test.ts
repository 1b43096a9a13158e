import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Keys } from '../keys.ts';
import { grantsOf, isGranted, keyRights, needsOf, roleNames } from './roles.ts';

const keys = new Keys('/idra/');

/** Every key and prefix that Keys builds, by the name of the method. */
function madeKeys(): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  const notKeys = new Set(['constructor', 'all', 'lastPart']);
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(Keys.prototype))) {
    if (notKeys.has(name)) continue;
    const make = property.get ?? property.value;
    made.set(name, make.call(keys, 'a', 'b', 'c'));
  }
  return made;
}

describe('rights on the keys of etcd', () => {
  test('every key has its own rights, and at least one writer', () => {
    const made = madeKeys();
    assert.ok(made.size > 30);
    for (const [name, key] of made) {
      const found = keyRights.filter(({ prefix }) => key.startsWith(`${keys.root}${prefix}`));
      assert.equal(found.length, 1, `${name}: ${key}`);
      const [rights] = found;
      assert.ok(
        [rights?.agent, rights?.operator, rights?.api].includes('readwrite'),
        `${name} has no writer`,
      );
    }
    const unused = keyRights.filter(
      ({ prefix }) => ![...made.values()].some((key) => key.startsWith(`${keys.root}${prefix}`)),
    );
    assert.deepEqual(unused, []);
  });

  test('no role can access keys that it does not need', () => {
    const writes = (role: (typeof roleNames)[number], key: string) =>
      isGranted({ range: { key }, access: 'write' }, grantsOf(role, keys));
    for (const key of [
      keys.sync('u'),
      keys.name('n', 'a'),
      keys.dataSource('n', 'a'),
      keys.hold('a'),
      keys.epoch,
    ])
      assert.equal(writes('idra-agent', key), false, key);
    for (const key of [keys.lock('u'), keys.assignment('a', 'u'), keys.leader, keys.status('u'), keys.epoch])
      assert.equal(writes('idra-operator', key), false, key);
    for (const key of [keys.lock('u'), keys.assignment('a', 'u'), keys.leader, keys.status('u')])
      assert.equal(writes('idra-api', key), false, key);
    for (const role of roleNames) {
      const grants = grantsOf(role, keys);
      assert.equal(isGranted({ range: keys.all, access: 'read' }, grants), false);
      assert.equal(isGranted({ range: { key: '/other' }, access: 'read' }, grants), false);
    }
  });

  test('a transaction needs rights for its compares, both branches and all that is nested', () => {
    const needs = needsOf({
      compare: [{ key: 'a', create: 0n }],
      success: [{ kind: 'put', key: 'b', value: '' }],
      failure: [
        {
          kind: 'txn',
          compare: [{ key: 'c', mod: 1n }],
          success: [{ kind: 'delete', key: 'd', end: 'e' }],
          failure: [{ kind: 'get', key: 'f' }],
        },
      ],
    });
    assert.deepEqual(
      needs.map(({ range, access }) => `${access} ${range.key}`),
      ['read a', 'write b', 'read c', 'write d', 'read f'],
    );
  });
});
