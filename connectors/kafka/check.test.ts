import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Finding } from '../../core/errors.ts';
import { type KafkaServer, kafka } from '../../e2e/kit/servers.ts';
import { connector } from './connector.ts';
import { accessTo, bodyColumn, idColumn, noSignal, openReader, openWriter } from './test-harness.ts';

let server: KafkaServer;
before(async () => {
  server = await kafka({ sasl: 'SCRAM-SHA-512', users: { alice: 'secret', bob: 'other' } });
});
after(() => server?.stop());

const as = (user: string, password: string) =>
  accessTo(server, { sasl: { mechanism: 'SCRAM-SHA-512', user } }, { 'sasl.password': password });
const admin = () => as('admin', server.password);
const alice = () => as('alice', 'secret');

/** Runs the command of a finding as an administrator. */
async function follow(fix: string | undefined): Promise<void> {
  const [, args = ''] = /^kafka-acls --bootstrap-server \S+ (.+)$/.exec(fix ?? '') ?? [];
  assert.ok(args.startsWith('--add --allow-principal User:alice --operation '), fix);
  await server.acls(...args.split(' '));
}

const codes = (findings: readonly Finding[]) => findings.map(({ severity, code }) => `${severity} ${code}`);

test('a user without rights gets them by the commands of errors and findings, one after the other', async () => {
  const topic = 'orders';
  const owner = await openWriter(admin(), { topic, partitions: 1 }, [idColumn, bodyColumn], { key: ['id'] });
  await owner.claim();
  await owner.write([[1n, 'a']], '1');
  await owner.destination.close();

  const source = await connector.openSource(alice(), { topic }, noSignal);
  // A topic that may not be seen is refused by its name.
  const refused = await source.describe(noSignal).then(
    () => assert.fail('it is allowed'),
    (error: Finding) => error,
  );
  assert.equal(refused.code, 'PermissionDenied');
  await follow(refused.fix);
  const { pass, source: reader } = await openReader(alice(), { topic });
  assert.deepEqual((await pass()).rows, [[1n, 'a']]);
  const hidden = await reader.check('Stream', noSignal);
  assert.deepEqual(codes(hidden), ['info GroupNotVisible']);
  await follow(hidden[0]?.fix);
  assert.deepEqual(await reader.check('Stream', noSignal), []);
  await Promise.all([source.close(), reader.close()]);

  const open = () => openWriter(alice(), { topic }, [idColumn, bodyColumn], { key: ['id'], uid: 'of-alice' });
  const missing = await open().then(
    () => assert.fail('it is allowed'),
    (error: Finding) => error,
  );
  assert.equal(missing.code, 'PermissionDenied');
  await follow(missing.fix);
  const writer = await open();
  assert.equal(writer.destination.guarantee, 'AtLeastOnce');
  for (let round = 0; round < 5; round++) {
    const findings = await writer.destination.check('Upsert', noSignal);
    if (findings.length === 0) break;
    await follow(findings[0]?.fix);
  }
  assert.deepEqual(await writer.destination.check('Upsert', noSignal), []);
  await writer.destination.describe(noSignal);
  assert.equal(writer.destination.guarantee, 'ExactlyOnce');
  await writer.claim();
  await writer.write([[2n, 'b']], '2');
  await writer.destination.close();
});

test('without the right to transactions, rows arrive at least once, and the offset is stored behind them', async () => {
  const topic = 'plain';
  const columns = [idColumn, bodyColumn];
  const owner = await openWriter(admin(), { topic, partitions: 1 }, columns, { key: ['id'] });
  await owner.claim();
  await owner.destination.close();
  for (const each of [topic, '_idra_commits'])
    for (const operation of ['Read', 'Write'])
      await server.acls('--add', '--allow-principal', 'User:bob', '--operation', operation, '--topic', each);
  const bob = as('bob', 'other');
  const { destination, claim, write } = await openWriter(bob, { topic }, columns, {
    key: ['id'],
    uid: 'of-bob',
  });
  assert.equal(destination.guarantee, 'AtLeastOnce');
  const [finding] = await destination.check('Upsert', noSignal);
  assert.deepEqual([finding?.severity, finding?.code], ['warning', 'TransactionsNotAllowed']);
  await claim();
  assert.equal((await write([[1n, 'a']], '1')).totalRows, 1);
  const row = (await destination.commitRows('of-bob', noSignal)).find(({ uid }) => uid === 'of-bob');
  assert.deepEqual([row?.rows, JSON.parse(row?.offset ?? '').id], [1, '1']);
  await destination.close();
});
