import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RecordColumn } from '../core/records/record-column.ts';
import { columnsInOffset, requireArrived } from './inferred-columns/arrived.ts';
import { collectionNames, numbered, readCollection, withTexts } from './inferred-columns/collections.ts';
import { documentKind, type Fields, type Kind, kindsOf, parseExactly } from './inferred-columns/expected.ts';
import { ServedFiles } from './inferred-columns/served-files.ts';
import { AgentCluster } from './kit/agents.ts';
import { killedAt } from './kit/kill-hook.ts';
import { type MongodbServer, mongodbMemory } from './kit/servers.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/**
 * Collections of real JSON, from an API and from MongoDB, to PostgreSQL and SQLite without a list of columns: every value is compared with
 * the file. Inferred columns stay as they are, whoever goes on and whatever the source has become meanwhile.
 */
const targets = ['postgres', 'sqlite'] as const;
let folder: string;
let systems: TestSystems;
let served: ServedFiles;
let single = 0;

before(async () => {
  folder = await tempFolder('inferred-columns');
  systems = new TestSystems(folder);
  served = await ServedFiles.start();
});
after(async () => {
  await served?.stop();
  await systems?.stop();
});

const newSingleMode = () => new SingleMode(join(folder, `single-${++single}`));
const tableOf = (name: string) => name.replaceAll('-', '_');
const wholeSample = { sample: 100_000 };

function dataSource(name: string, spec: object): string {
  return `apiVersion: idra.dev/v1alpha1\nkind: DataSource\nmetadata: { name: ${name} }\nspec: ${JSON.stringify(spec)}\n---\n`;
}

const api = () => dataSource('api', { http: { url: served.url, allowPrivateAddresses: true } });

function listSync(name: string, to: TestDatabase, source: object, more: object = {}): string {
  return syncManifest(`${name}-${to.system}`, {
    source: { dataSource: 'api', path: `/${name}`, itemsPath: 'data', key: ['row'], ...source },
    destination: { dataSource: to.system, table: to.tableName(tableOf(name)) },
    mode: 'Snapshot',
    schedule: { once: true },
    batch: { maxRows: 50 },
    ...more,
  });
}

async function serve(name: string): Promise<readonly Fields[]> {
  const collection = await readCollection(name);
  served.lists.set(name, numbered(collection));
  return collection.records.map((record) => parseExactly(record) as Fields);
}

function typesOf(columns: readonly RecordColumn[] | undefined, key: string): Record<string, string> {
  return Object.fromEntries(
    (columns ?? []).filter(({ name }) => name !== key).map((each) => [each.name, each.type]),
  );
}

const asRecord = (kinds: ReadonlyMap<string, Kind>) => Object.fromEntries(kinds);

test('lists of an API: the types are those of docs/columns.md, and every value arrives', async () => {
  const mode = newSingleMode();
  const ends = await Promise.all(targets.map((system) => systems.createDatabase(system)));
  const lists = new Map<string, readonly Fields[]>();
  for (const name of collectionNames) lists.set(name, await serve(name));
  const syncs = ends.flatMap((to) =>
    collectionNames.map((name) => listSync(name, to, wholeSample, { batch: { maxRows: 700 } })),
  );
  await mode.write([api(), ...ends.map((to) => to.manifest(to.system)), ...syncs].join(''));
  const plans = await mode.plan();
  await mode.runWell();
  const plansAfter = await mode.plan();
  for (const [name, records] of lists) {
    const kinds = kindsOf(records);
    for (const to of ends) {
      const sync = `${name}-${to.system}`;
      assert.deepEqual(typesOf(plans.get(sync)?.inferredColumns, 'row'), asRecord(kinds), sync);
      assert.deepEqual(plansAfter.get(sync)?.inferredColumns, plans.get(sync)?.inferredColumns, sync);
      await requireArrived(to, { table: tableOf(name), key: 'row', records, kinds });
    }
  }
  // The rule of this test is right for the collections that everybody can look at.
  assert.deepEqual(asRecord(kindsOf(lists.get('cars') ?? [])), {
    Name: 'text',
    Miles_per_Gallon: 'decimal',
    Cylinders: 'int64',
    Displacement: 'decimal',
    Horsepower: 'int64',
    Weight_in_lbs: 'int64',
    Acceleration: 'decimal',
    Year: 'text',
    Origin: 'text',
  });
  assert.equal(kindsOf(lists.get('movies') ?? []).get('Title'), 'json');
});

describe('documents of MongoDB', () => {
  let server: MongodbServer;
  before(async () => {
    server = await mongodbMemory();
  });
  after(() => server?.stop());

  test('the same collections: every value arrives, numbers as the driver has stored them', async () => {
    const [mode, database] = [newSingleMode(), server.createDatabase()];
    const ends = await Promise.all(targets.map((system) => systems.createDatabase(system)));
    const mongodb = { hosts: [`${server.host}:${server.port}`], database, tls: { mode: 'Disable' } };
    const syncs: string[] = [];
    const collections = new Map<string, readonly Fields[]>();
    for (const name of collectionNames) {
      const records = (await readCollection(name)).records.map((record) => JSON.parse(record) as Fields);
      collections.set(name, records);
      const documents = records.map((record, index) => ({ ...record, _id: index + 1 }));
      await server.client.db(database).collection<{ _id: number }>(name).insertMany(documents);
      for (const to of ends) {
        const destination = { dataSource: to.system, table: to.tableName(tableOf(name)) };
        const source = { dataSource: 'app', collection: name, ...wholeSample };
        syncs.push(
          syncManifest(`${name}-${to.system}`, {
            source,
            destination,
            mode: 'Snapshot',
            schedule: { once: true },
          }),
        );
      }
    }
    await mode.write(
      [dataSource('app', { mongodb }), ...ends.map((to) => to.manifest(to.system)), ...syncs].join(''),
    );
    await mode.runWell();
    const plans = await mode.plan();
    for (const [name, records] of collections) {
      const kinds = kindsOf(records, documentKind);
      for (const to of ends) {
        const sync = `${name}-${to.system}`;
        assert.deepEqual(typesOf(plans.get(sync)?.inferredColumns, '_id'), asRecord(kinds), sync);
        await requireArrived(to, { table: tableOf(name), key: '_id', records, kinds });
      }
    }
  });
});

const changing = ['cars', 'countries', 'penguins', 'political-contributions'];

/** What the list is after the kill: its numbers are texts. */
async function serveAsTexts(name: string): Promise<void> {
  const { records } = await readCollection(name);
  served.lists.set(name, numbered({ name, records: withTexts(records) }));
}

test('after a SIGKILL the columns are those of the offset, not those that the list has become', async () => {
  const to = await systems.createDatabase('sqlite');
  for (const name of changing) {
    const [records, mode] = [await serve(name), newSingleMode()];
    await mode.write(
      api() + to.manifest(to.system) + listSync(name, to, wholeSample, { batch: { maxRows: 20 } }),
    );
    const { signal } = await mode.runKilled(killedAt({ at: 'commit:after', count: 2 }));
    assert.equal(signal, 'SIGKILL');
    const columns = await columnsInOffset(to, tableOf(name));
    const kinds = kindsOf(records);
    assert.deepEqual(typesOf(columns, 'row'), asRecord(kinds));
    await serveAsTexts(name);
    await mode.runWell();
    assert.deepEqual(await columnsInOffset(to, tableOf(name)), columns);
    await requireArrived(to, { table: tableOf(name), key: 'row', records, kinds });
    // The list as it is now has other columns: a Sync that never ran would read by those.
    const other = newSingleMode();
    await other.write(api() + to.manifest(to.system) + listSync(name, to, wholeSample));
    const now = typesOf((await other.plan()).get(`${name}-sqlite`)?.inferredColumns, 'row');
    assert.ok(
      Object.values(now).every((type) => type === 'text'),
      name,
    );
  }
});

test('another agent goes on with the columns of the one that was killed', async () => {
  const to = await systems.createDatabase('postgres');
  const cluster = await AgentCluster.start();
  try {
    const lists = new Map<string, readonly Fields[]>();
    for (const name of changing) lists.set(name, await serve(name));
    const first = await cluster.agent('one', killedAt({ at: 'commit:after', count: 5 }));
    const syncs = changing.map((name) => listSync(name, to, wholeSample, { batch: { maxRows: 7 } }));
    await cluster.put([api(), to.manifest(to.system), ...syncs].join(''));
    assert.equal((await first.waitForExit(60_000)).signal, 'SIGKILL');
    const before = await Promise.all(
      changing.map((name) => columnsInOffset(to, tableOf(name)).catch(() => [])),
    );
    assert.ok(before.some((columns) => columns.length > 0));
    // Only what was begun goes on by stored columns; the others begin.
    const begun = changing.filter((_, index) => (before[index]?.length ?? 0) > 0);
    for (const name of begun) await serveAsTexts(name);
    await cluster.agent('two');
    for (const [index, name] of changing.entries()) {
      await cluster.untilStatus(`${name}-postgres`, 'complete', ({ state }) => state === 'Completed');
      const [records, table] = [lists.get(name) ?? [], tableOf(name)];
      if (begun.includes(name)) assert.deepEqual(await columnsInOffset(to, table), before[index]);
      await requireArrived(to, { table, key: 'row', records, kinds: kindsOf(records) });
    }
  } finally {
    await cluster.stop();
  }
});

for (const system of targets) {
  describe(`fields and values that the sample did not have, to ${system}`, () => {
    const run = async (name: string, source: object, more: object) => {
      const [records, to, mode] = [await serve(name), await systems.createDatabase(system), newSingleMode()];
      await mode.write(api() + to.manifest(to.system) + listSync(name, to, source, more));
      const { code, status } = await mode.runOnce();
      return { records, to, code, status: status.get(`${name}-${system}`) };
    };
    // The first record has neither p_fertility nor p_life_expect.
    const added = ['p_fertility', 'p_life_expect'];
    const oneRecord = { sample: 1 };

    test('schemaChanges Fail stops the Sync and names the fields', async () => {
      const { code, status } = await run('countries', oneRecord, {});
      assert.deepEqual([code, status?.lastError?.code, status?.rows.written], [1, 'FieldUnknown', 0]);
      assert.match(status?.lastError?.message ?? '', /p_fertility, p_life_expect/);
    });

    test('schemaChanges Ignore leaves them out and says so', async () => {
      const { code, status, records, to } = await run('countries', oneRecord, { schemaChanges: 'Ignore' });
      assert.equal(code, 0, status?.lastError?.message);
      assert.match(status?.warnings?.join() ?? '', /p_fertility/);
      const kinds = new Map([...kindsOf(records)].filter(([name]) => !added.includes(name)));
      await requireArrived(to, { table: 'countries', key: 'row', records, kinds });
      const columns = await columnsInOffset(to, 'countries');
      assert.deepEqual(Object.keys(typesOf(columns, 'row')), [...kinds.keys()]);
    });

    test('schemaChanges AddColumns adds them with their types', async () => {
      const { code, status, records, to } = await run('countries', oneRecord, {
        schemaChanges: 'AddColumns',
      });
      assert.equal(code, 0, status?.lastError?.message);
      const kinds = kindsOf(records);
      await requireArrived(to, { table: 'countries', key: 'row', records, kinds });
      assert.deepEqual(typesOf(await columnsInOffset(to, 'countries'), 'row'), asRecord(kinds));
    });

    // Decimals come after the first fifty records.
    const fiftyRecords = { sample: 50 };
    const isWhole = (value: unknown) => kindsOf([{ value }]).get('value') !== 'decimal';

    test('onError Stop names the record and the column of a value of another type', async () => {
      const { code, status, records } = await run('cars', fiftyRecords, {});
      const first = records.findIndex((each) => !isWhole(each.Displacement)) + 1;
      assert.deepEqual([code, status?.lastError?.code], [1, 'RecordMisfit']);
      assert.match(
        status?.lastError?.message ?? '',
        new RegExp(`row number ${first}, column Displacement: .*decimal point`),
      );
      // Its batch is not written, and the one before is.
      assert.equal(status?.rows.written, 50);
    });

    test('onError Skip leaves such records out, counts them, and writes the others', async () => {
      const { code, status, records, to } = await run('cars', fiftyRecords, { onError: 'Skip' });
      const misfits = records.flatMap((each, index) =>
        isWhole(each.Displacement) && isWhole(each.Miles_per_Gallon) ? [] : [index + 1],
      );
      assert.equal(code, 0, status?.lastError?.message);
      assert.deepEqual([status?.rows.rejected, misfits.length > 100], [misfits.length, true]);
      const kinds = new Map(kindsOf(records)).set('Displacement', 'int64').set('Miles_per_Gallon', 'int64');
      await requireArrived(to, { table: 'cars', key: 'row', records, kinds, without: new Set(misfits) });
    });

    test('a text column takes numbers as they are written, and a field without a value is json', async () => {
      const { code, status, records, to } = await run(
        'movies',
        { sample: 20 },
        { batch: { maxRows: 2_000 } },
      );
      assert.equal(code, 0, status?.lastError?.message);
      const kinds = new Map(kindsOf(records))
        .set('Title', 'text')
        .set('US DVD Sales', 'json')
        .set('Running Time min', 'json');
      assert.deepEqual(typesOf(await columnsInOffset(to, 'movies'), 'row'), asRecord(kinds));
      await requireArrived(to, { table: 'movies', key: 'row', records, kinds });
    });
  });
}
