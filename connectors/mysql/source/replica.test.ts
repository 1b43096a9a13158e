import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PassEnd } from '../../../core/connector.ts';
import { type FaultProxy, faultProxy } from '../../../e2e/kit/proxy.ts';
import type { MysqlServer } from '../../../e2e/kit/servers.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { type FlowOptions, openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { accessOf, servers } from '../test-harness.ts';

const lagMs = 500;

/** Runs passes until this much time has passed or the forbidden event has occurred. */
async function passesFor(
  ms: number,
  pass: () => Promise<PassEnd>,
  isWrong: () => Promise<boolean>,
): Promise<PassEnd['bound'][]> {
  const bounds: PassEnd['bound'][] = [];
  const untilMs = Date.now() + ms;
  do bounds.push((await pass()).bound);
  while (Date.now() < untilMs && !(await isWrong()));
  return bounds;
}

/** A source and its replica (which is not read-only), with a link that can be cut. */
for (const [name, start] of servers) {
  describe(name, () => {
    const isMySql = name === 'MySQL';
    let source: MysqlServer;
    let replica: MysqlServer;
    let link: FaultProxy;
    before(async () => {
      const binlog = { 'log-bin': 'bin' };
      source = await start({ settings: { ...binlog, 'server-id': '1' } });
      replica = await start({ settings: { ...binlog, 'server-id': '2' } });
      link = await faultProxy('127.0.0.1', source.port);
      await source.query("CREATE USER repl@'%' IDENTIFIED BY 'repl'");
      await source.query("GRANT REPLICATION SLAVE ON *.* TO repl@'%'");
      await replica.query(
        isMySql
          ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${link.port}, SOURCE_USER='repl', SOURCE_PASSWORD='repl', GET_SOURCE_PUBLIC_KEY=1, SOURCE_HEARTBEAT_PERIOD=1, SOURCE_CONNECT_RETRY=1, SOURCE_AUTO_POSITION=1`
          : `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${link.port}, MASTER_USER='repl', MASTER_PASSWORD='repl', MASTER_HEARTBEAT_PERIOD=1, MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos`,
      );
      await replica.query(isMySql ? 'START REPLICA' : 'START SLAVE');
    });
    after(async () => {
      await Promise.all([replica?.stop(), source?.stop()]);
      await link?.stop();
    });

    async function openOn(table: string, options: Omit<FlowOptions, 'from' | 'to'>, rights = true) {
      const database = await source.createDatabase();
      await source.query(
        `CREATE TABLE ${table} (id INT PRIMARY KEY, at DATETIME(6) NOT NULL)`,
        database.database,
      );
      await source.query(`GRANT PROCESS ON *.* TO '${database.user}'@'%'`);
      if (rights && isMySql) {
        await source.query(`GRANT REPLICATION CLIENT ON *.* TO '${database.user}'@'%'`);
        await source.query(
          `GRANT SELECT ON performance_schema.replication_connection_status TO '${database.user}'@'%'`,
        );
      } else if (rights) await source.query(`GRANT REPLICA MONITOR ON *.* TO '${database.user}'@'%'`);
      const onReplica = { ...database, host: replica.host, port: replica.port };
      await until(
        async () => (await replica.query(`SHOW TABLES IN ${database.database} LIKE '${table}'`)).length > 0,
        { what: 'the table at the replica' },
      );
      const ends = { connector, source: accessOf(onReplica), destination: accessOf(database) };
      const flow = await openFlow(ends, { from: table, to: `${table}_to`, maxRows: 10, ...options });
      await flow.claim();
      return { database, flow, insert: (sql: string) => source.query(sql, database.database) };
    }

    test('by time: while the link is down nothing newer than the replayed rows is final', async () => {
      const { database, flow, insert } = await openOn('times', {
        mode: 'Timestamp',
        timestampField: 'at',
        sourceKey: ['id'],
        safetyLagMs: lagMs,
      });
      const rows = async () =>
        (await source.query('SELECT id FROM times_to ORDER BY id', database.database)).map((row) => row.id);
      await insert('INSERT INTO times VALUES (1, UTC_TIMESTAMP(6))');
      let after: Parameters<typeof flow.pass>[0] = null;
      const pass = async () => {
        const { batches, end } = await flow.pass(after);
        after = batches.at(-1)?.offset ?? after;
        return end;
      };
      // A heartbeat of the idle source confirms that the row is the last one.
      await until(
        async () => {
          await pass();
          return (await rows()).length === 1;
        },
        { what: 'the first row' },
      );
      link.pause();
      await insert('INSERT INTO times VALUES (2, UTC_TIMESTAMP(6))');
      const bounds = await passesFor(2 * lagMs, pass, async () => (await rows()).length > 1);
      await insert('INSERT INTO times VALUES (3, UTC_TIMESTAMP(6))');
      bounds.push((await pass()).bound);
      assert.deepEqual(await rows(), [1]);
      for (const { kind, because } of bounds)
        assert.deepEqual([kind, /replica/.test(because ?? '')], ['safetyLag', true], because);
      link.resume();
      await until(
        async () => {
          await pass();
          return (await rows()).length === 3;
        },
        {
          what: 'all rows',
        },
      );
      await flow.close();
    });

    test('by id: an id that was seen is final only when the source is known to have been replayed since', async () => {
      const { database, flow, insert } = await openOn('ids', {
        mode: 'Id',
        idField: 'id',
        safetyLagMs: lagMs,
      });
      await insert('INSERT INTO ids VALUES (5, UTC_TIMESTAMP(6))');
      const ids = async () =>
        (await source.query('SELECT id FROM ids_to ORDER BY id', database.database)).map((row) => row.id);
      await until(async () => (await replica.query('SELECT 1 FROM ids', database.database)).length === 1, {
        what: 'the row at the replica',
      });
      link.pause();
      // A transaction with a lower id commits while the link is down.
      await insert('INSERT INTO ids VALUES (4, UTC_TIMESTAMP(6))');
      const pass = async () => (await flow.pass()).end;
      await passesFor(2 * lagMs, pass, async () => (await ids()).length > 0);
      assert.deepEqual(await ids(), []);
      link.resume();
      await until(
        async () => {
          await flow.pass();
          return (await ids()).length === 2;
        },
        {
          what: 'both rows',
        },
      );
      await flow.close();
    });

    test('without the right to see replication, a server that has replayed from others counts as a replica', async () => {
      const { database, flow } = await openOn('limited', { mode: 'Id', idField: 'id' }, false);
      const findings = await flow.source.check('Id', new AbortController().signal);
      assert.deepEqual(
        findings.map((each) => [each.code, each.fix?.replace(/ TO .*/, '')]),
        [['LateRowsBySafetyLag', `GRANT ${isMySql ? 'REPLICATION CLIENT' : 'REPLICA MONITOR'} ON *.*`]],
      );
      const own = await connector.openSource(
        accessOf(database),
        { table: 'limited' },
        new AbortController().signal,
      );
      assert.deepEqual(await own.check('Id', new AbortController().signal), []);
      await own.close();
      await flow.close();
    });
  });
}
