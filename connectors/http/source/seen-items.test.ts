import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ItemHashes, SeenItems } from './seen-items.ts';

const hashOf = (text: string) => hash('sha256', text, 'binary').slice(0, 12);
const itemOf = (id: number, content = id): ItemHashes => ({
  last: hashOf(`id ${id}`),
  content: hashOf(`content ${content}`),
});

test('items are compared with the last addition of their identity', () => {
  const seen = new SeenItems();
  const item = itemOf(1);
  assert.equal(seen.compare(item, 1), 'new');
  assert.equal(seen.has(item.last), false);
  seen.add(item, 1);
  assert.equal(seen.compare(item, 2), 'same');
  assert.equal(seen.compare(itemOf(1, 2), 1), 'twice');
  assert.equal(seen.compare(itemOf(1, 2), 2), 'other');
  seen.add(itemOf(1, 2), 2);
  assert.equal(seen.compare(item, 3), 'other');
  assert.equal(seen.newest, item.last);
  assert.ok(seen.isWhole);
  seen.clear();
  assert.equal(seen.compare(item, 3), 'new');
});

test('the last items are remembered, however many there were, and more of them where pages are large', () => {
  for (const [page, least] of [
    [1, 2_000],
    [3_000, 12_000],
    [1_000_000, 20_000],
  ] as const) {
    const seen = new SeenItems();
    const count = 50_000;
    for (let id = 0; id < count; id++) {
      seen.add(itemOf(id), id);
      if (id === 2_500) seen.fitPage(page);
    }
    const known = Array.from({ length: count }, (_, id) => seen.has(itemOf(id).last));
    const first = known.indexOf(true);
    assert.ok(count - first >= least && count - first <= 2 * least, `${count - first} of pages of ${page}`);
    assert.ok(known.slice(first).every(Boolean));
    assert.equal(seen.isWhole, false);
    assert.ok(seen.reachesBack(count - first));
    assert.ok(!seen.reachesBack(count - first + 1));
  }
});

test('it knows the same as a map', () => {
  const additions = fc.array(fc.tuple(fc.nat(40), fc.nat(3)), { maxLength: 200 });
  fc.assert(
    fc.property(additions, (added) => {
      const seen = new SeenItems();
      const map = new Map<string, string>();
      for (const [id, content] of added) {
        const item = itemOf(id, content);
        const expected = map.get(item.last);
        const found = seen.compare(item, 0);
        assert.equal(found, expected === undefined ? 'new' : expected === item.content ? 'same' : 'twice');
        seen.add(item, 0);
        map.set(item.last, item.content);
      }
    }),
  );
});
