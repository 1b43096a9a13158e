import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameSystem } from '../../core/system-identity.ts';
import { mysql } from '../../e2e/kit/servers.ts';
import { connector } from './connector.ts';
import { identityItems, identityOf, namesOf } from './identity.ts';
import { Session } from './session.ts';
import { MysqlSource } from './source/source.ts';
import { TestDatabase } from './test-harness.ts';

const [one, two, three] = ['1', '2', '3'].map(
  (digit) => `${digit.repeat(8)}-aaaa-bbbb-cccc-${digit.repeat(12)}`,
) as [string, string, string];

test('a replica that has executed the transactions of the earlier server counts as the same system', () => {
  const primary = identityOf(namesOf([one, `${one}:1-500`]), 'shop');
  const promoted = identityOf(namesOf([two, `${one.toUpperCase()}:1-498,\n${two}:1-3:7-9`]), 'shop');
  const next = identityOf(namesOf([three, `${two}:1-30`]), 'shop');
  assert.equal(isSameSystem(primary, promoted), true);
  assert.equal(isSameSystem(promoted, next), true);
  assert.equal(isSameSystem(primary, next), false);
});

test('a group has its own name; a tag of GTIDs is not one', () => {
  assert.deepEqual(namesOf([one, `${three}:1-5:tag:1-3`]), [one, three]);
});

test('without GTIDs another server is another system, and so is another database', () => {
  const at = (server: string, database: string) => identityOf(namesOf([server, '']), database);
  assert.equal(isSameSystem(at(one, 'shop'), at(one, 'shop')), true);
  assert.equal(isSameSystem(at(one, 'shop'), at(two, 'shop')), false);
  assert.equal(isSameSystem(at(one, 'shop'), at(one, 'other')), false);
});

test('nothing is concluded from MariaDB, which reports no uuid, nor from an invalid uuid', () => {
  assert.equal(identityItems(new Set(['sql_mode'])), 'NULL, NULL');
  assert.equal(
    identityItems(new Set(['server_uuid', 'gtid_executed'])),
    '@@global.server_uuid, @@global.gtid_executed',
  );
  for (const row of [[null, null], [undefined], ["'; DROP TABLE t", 'x'.repeat(100_000)]])
    assert.deepEqual(namesOf(row as never), []);
  assert.equal(isSameSystem([], identityOf([one], 'shop')), undefined);
});

test('a server reports its uuid at both ends, and a source that reconnects to another server is refused', async () => {
  const signal = AbortSignal.timeout(60_000);
  const database = await TestDatabase.create(mysql);
  try {
    const [row] = await database.server.query('SELECT @@server_uuid AS uuid');
    const own = `${row?.uuid}/${database.name}`;
    const { access } = database;
    const destination = await connector.openDestination(
      access,
      { table: 't', existingRows: 'Refuse' },
      signal,
    );
    assert.ok((await destination.identity?.(signal))?.includes(own));
    await destination.close();
    const session = await Session.open(access, 'reader', signal);
    Object.assign(session.facts, { names: [one] });
    const source = new MysqlSource(access, { table: 't', timeZone: 'UTC' }, session);
    assert.deepEqual(await source.identity(signal), [`${one}/${database.name}`]);
    await source.rest();
    await assert.rejects(source.describe(signal), { code: 'SchemaChanged' });
    await source.close();
  } finally {
    await database.stop();
  }
});
