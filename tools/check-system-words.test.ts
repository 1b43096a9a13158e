import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSystemWords } from './check-system-words.ts';

const file = 'agent/engine/plan.ts';

test('words of SQL and names of systems are refused in the engine', () => {
  const planted = [
    'const fix = `ALTER TABLE $' + '{name} ADD UNIQUE (id)`;',
    "if (type === 'sqlite') return [];",
    "what: 'its row of _idra_commits is gone'",
    "message: 'make it NOT NULL'",
  ];
  for (const line of planted)
    assert.match(checkSystemWords(file, `\n${line}`).join(), /^agent\/engine\/plan\.ts:2 says /, line);
});

test('comments may name them, and other words are not refused', () => {
  const text = `/** MySQL needs it: CREATE TABLE. */
// PostgreSQL too.
export const select = { table: 'orders', query: undefined, isUnique: true };`;
  assert.deepEqual(checkSystemWords(file, text), []);
});
