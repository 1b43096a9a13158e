import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from './kit/free-port.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/**
 * One end fails while the other is opened: nothing is left at either server, and the process ends. Each pair both ways, for a missing
 * table, and for a server that nothing listens at.
 */
const pairs: readonly (readonly [SystemName, SystemName])[] = [
  ['postgres', 'mysql'],
  ['mysql', 'postgres'],
  ['mariadb', 'mysql'],
  ['postgres', 'mariadb'],
];

let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('left');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

for (const [from, to] of pairs) {
  test(`${from} to ${to}: the other end is closed when one end fails to open, and the commands end`, async () => {
    const [source, destination] = [await systems.createDatabase(from), await systems.createDatabase(to)];
    const single = new SingleMode(join(folder, `${from}-${to}`));
    const spec = (table: string) =>
      syncManifest('orders', {
        source: { dataSource: 'source', table: source.tableName(table), idField: 'id' },
        destination: { dataSource: 'destination', table: destination.tableName('orders') },
        mode: 'Id',
        schedule: { continuous: true },
      });
    const ends = source.manifest('source') + destination.manifest('destination');
    await single.write(ends + spec('missing'));
    for (const args of [['run', '--once'], ['check'], ['plan']]) {
      const { code, stdout, stderr } = await single.command([...args, '-f', 'syncs.yaml']);
      assert.equal(code, args[0] === 'plan' ? 2 : 1, stdout + stderr);
    }
    await untilNobodyIsLeft(source, destination);

    await source.execute('CREATE TABLE orders (id int PRIMARY KEY)');
    const unreachable = (text: string) => text.replace(/port: \d+/, `port: ${nobody}`);
    const nobody = await freePort();
    for (const [one, other] of [
      [source.manifest('source'), unreachable(destination.manifest('destination'))],
      [unreachable(source.manifest('source')), destination.manifest('destination')],
    ]) {
      await single.write(`${one}${other}${spec('orders')}`);
      const running = await single.start();
      await until(() => (running.latest('orders')?.lastError?.count ?? 0) >= 3, { what: 'three failures' });
      for (const end of [source, destination]) assert.ok((await sessionsOf(end)) <= 2, end.system);
      running.process.kill('SIGTERM');
      await running.process.waitForExit();
      await untilNobodyIsLeft(source, destination);
    }
  });
}

async function untilNobodyIsLeft(...ends: readonly TestDatabase[]): Promise<void> {
  for (const end of ends)
    await until(async () => (await sessionsOf(end)) === 0, { what: `no session left at ${end.system}` });
}

/** Sessions of Idra: the session that runs this query belongs to the tester. */
async function sessionsOf({ system, rows }: TestDatabase): Promise<number> {
  const found = await rows(
    system === 'postgres'
      ? "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'idra-%'"
      : `SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND ID <> CONNECTION_ID()`,
  );
  return Number(found[0]?.[0]);
}
