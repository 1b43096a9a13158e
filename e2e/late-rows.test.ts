import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SyncStatus } from '../core/status.ts';
import { projectFolder } from './kit/processes.ts';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import {
  type SystemName,
  systemNames,
  type TestDatabase,
  type TestSession,
  TestSystems,
} from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { createTables, insertRow, type LateCase, lateCases } from './late-rows/cases.ts';

/**
 * Rows that commit when rows with larger timestamps or ids have long been visible: each arrives, and meanwhile the status reports what
 * holds the others back. Without the bound the same cases lose rows, so they prove something.
 */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('late-rows');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

for (const system of systemNames) {
  describe(system, () => {
    test('rows with NULL in the field that is read by are counted and reported', async () => {
      const source = await systems.createDatabase(system);
      const destination = await systems.createDatabase('sqlite');
      const type = {
        postgres: 'timestamp',
        mysql: 'datetime(6)',
        mariadb: 'datetime(6)',
        sqlite: 'TIMESTAMP',
      }[system];
      await source.execute(
        `CREATE TABLE unread (nr bigint NOT NULL PRIMARY KEY, field ${type} NULL)`,
        "INSERT INTO unread VALUES (1, '2026-01-01 00:00:00'), (2, NULL), (3, NULL)",
      );
      const single = new SingleMode(join(folder, `${system}-unread`));
      await single.write(manifests(source, destination, [{ name: 'unread', mode: 'Timestamp' }]));
      const { status } = await single.runWell();
      assert.deepEqual(await keys(destination, 'unread'), ['1']);
      assert.match(
        status.get('unread')?.warnings?.join() ?? '',
        /2 rows have NULL in field and are never read/,
      );
    });

    test('each late row arrives, and status reports what holds the others back', async (context) => {
      const seen = await runCases(system, {});
      for (const { late, lost, heldBackBy, isHeld } of seen) {
        context.diagnostic(`${late.name}: ${heldBackBy ?? 'nothing'}`);
        assert.deepEqual(lost, [], `${late.name} lost rows`);
        assert.ok(isHeld, `${late.name}: rows behind the late one were read before it was there`);
        assert.ok(heldBackBy, `${late.name}: status does not say what holds rows back`);
      }
    });

    test('without the bound the same cases lose rows', async () => {
      const hook = `--import=${projectFolder}/e2e/late-rows/without-bound.ts`;
      for (const { late, lost } of await runCases(system, { NODE_OPTIONS: hook })) {
        assert.deepEqual(lost, ['11'], `${late.name} does not lose its late row without a bound`);
      }
    });
  });
}

interface Seen {
  readonly late: LateCase;
  /** Keys of the rows that never arrived. */
  readonly lost: readonly string[];
  readonly heldBackBy: string | undefined;
  /** The rows after the late one waited for it. */
  readonly isHeld: boolean;
}

async function runCases(system: SystemName, env: Record<string, string>): Promise<readonly Seen[]> {
  const source = await systems.createDatabase(system);
  const destination = await systems.createDatabase('sqlite');
  await createTables(source);
  const single = new SingleMode(join(folder, `${system}-${env.NODE_OPTIONS ? 'without' : 'with'}`));
  await single.write(manifests(source, destination));
  const running = await single.start(env);
  const isBounded = env.NODE_OPTIONS === undefined;
  try {
    const seen: Seen[] = [];
    for (const late of lateCases[system]) {
      seen.push(await runCase(late, source, destination, running, isBounded).catch(withOutput(running)));
    }
    return seen;
  } finally {
    await running.process.stop();
  }
}

/** Other rows pass an uncommitted one; when one that came after it has arrived, whatever is missing is lost. */
async function runCase(
  late: LateCase,
  source: TestDatabase,
  destination: TestDatabase,
  running: RunningSingleMode,
  isBounded: boolean,
): Promise<Seen> {
  const insert = (nr: number) => source.execute(insertRow(late.name, nr, late.value));
  const arrived = () => keys(destination, late.name);
  await insert(10);
  await until(async () => (await arrived()).includes('10'), {
    what: `the first row of ${late.name}`,
  });
  const gate = await openGate(late, source);
  const session = await source.openSession();
  const begun = late.begin(session, late.name);
  if (gate) await until(() => gate.isWaitedFor(), { what: 'the statement to wait' });
  else await begun;
  for (const nr of [12, 13, 14]) await insert(nr);
  const status = await until(async () => (await arrived()).includes('14') || heldStatus(running, late), {
    what: `${late.name} to be held back, or read on`,
  });
  const isHeld = !(await arrived()).some((nr) => ['12', '13', '14'].includes(nr));
  await gate?.open();
  await begun;
  await late.finish(session, late.name, isBounded);
  await session.close();
  await insert(99);
  await until(async () => (await arrived()).includes('99'), {
    what: `the last row of ${late.name}`,
  });
  const there = await arrived();
  const lost = (await keys(source, late.name)).filter((nr) => !there.includes(nr));
  return { late, lost, isHeld, heldBackBy: status === true ? undefined : status.bound?.heldBackBy?.what };
}

/** The newest status in which rows wait for the late one; other transactions may hold them back briefly. */
function heldStatus(running: RunningSingleMode, late: LateCase): SyncStatus | undefined {
  const status = running.latest(late.name.replaceAll('_', '-'));
  const by = status?.bound?.heldBackBy?.what ?? '';
  return status?.reason === 'HeldBack' && late.holder.test(by) ? status : undefined;
}

interface Gate {
  isWaitedFor(): Promise<boolean>;
  open(): Promise<void>;
}

/** A lock on the table `gate` that a statement of MySQL waits for. */
async function openGate(late: LateCase, source: TestDatabase): Promise<Gate | undefined> {
  if (late.name !== 'now_behind_a_lock') return undefined;
  const session: TestSession = await source.openSession();
  await session.query('LOCK TABLES gate WRITE');
  return {
    async isWaitedFor() {
      const rows = await source.rows(
        "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'",
      );
      return rows[0]?.[0] !== '0';
    },
    async open() {
      await session.query('UNLOCK TABLES');
      await session.close();
    },
  };
}

async function keys(database: TestDatabase, table: string): Promise<readonly string[]> {
  const rows = await database.rows(`SELECT nr FROM ${table} ORDER BY nr`).catch((error: Error) => {
    if (/no such table/.test(error.message)) return [];
    throw error;
  });
  return rows.map(([nr]) => String(nr));
}

function manifests(
  source: TestDatabase,
  destination: TestDatabase,
  cases: readonly Pick<LateCase, 'name' | 'mode'>[] = lateCases[source.system],
): string {
  const syncs = cases.map(({ name, mode }) =>
    syncManifest(name.replaceAll('_', '-'), {
      source: {
        dataSource: 'source',
        table: source.tableName(name),
        [mode === 'Id' ? 'idField' : 'timestampField']: 'field',
      },
      destination: { dataSource: 'destination', table: name },
      mode,
      schedule: { continuous: true },
    }),
  );
  return [source.manifest('source'), destination.manifest('destination'), ...syncs].join('');
}

function withOutput(running: RunningSingleMode) {
  return (error: unknown): never => {
    throw new Error(`${(error as Error).message}\n${running.process.tail()}`, { cause: error });
  };
}
