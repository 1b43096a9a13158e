import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFacts } from './server-facts.ts';
import type { Result } from './statements.ts';

const proper = {
  version: '8.0.30',
  infile: 1,
  packet: '67108864',
  readOnly: 0,
  collation: 'utf8mb4_0900_bin',
  modes: 'STRICT_ALL_TABLES',
  client: 'utf8mb4',
  connection: 'utf8mb4',
};
const factsOf = (more: Partial<Record<keyof typeof proper, string | null>>) => {
  const row = Object.values({ ...proper, ...more });
  return readFacts(async () => [{ rows: [row] } as unknown as Result], 'team/shop');
};

test('facts reported by a server are known names or numbers', async () => {
  assert.equal((await factsOf({})).textCollation, 'utf8mb4_0900_bin');
  for (const collation of ['utf8mb4_0900_bin; DROP TABLE t', 'utf8mb4_0900_BIN', 'constructor', null])
    assert.equal((await factsOf({ collation })).textCollation, 'utf8mb4_bin');
  for (const packet of ['1; DROP', '-5', 'NaN', null])
    assert.equal((await factsOf({ packet })).maxPacketBytes, 1_048_576);
  // It is kept as long as the connection lives.
  for (const version of ['x'.repeat(1_000_000), `8.${'0'.repeat(1_000_000)}`])
    assert.ok((await factsOf({ version })).version.length < 400);
});

test('a session in which a text could end its own literal is refused', async () => {
  for (const more of [
    { modes: 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES' },
    { modes: 'ANSI_QUOTES' },
    { client: 'gbk' },
    { client: 'sjis' },
    { connection: 'latin1' },
    { client: null },
  ])
    await assert.rejects(factsOf(more), { code: 'PoolerNotSupported', disposition: 'permanent' });
});
