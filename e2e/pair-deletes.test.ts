import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseFile } from '../cli/manifests/documents.ts';
import { sourcesOf } from '../cli/manifests/objects.ts';
import { definitionOf, manifests } from '../connectors/catalog.ts';
import { type FlowEnds, openFlow, readAll } from '../connectors/sql/test-flow.ts';
import { resolveAccess, type SecretReader } from '../core/access.ts';
import type { Batch } from '../core/batch.ts';
import type { Connector, Destination, SystemAccess } from '../core/connector.ts';
import { Secret } from '../core/secret.ts';
import { type SystemName, systemNames, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { casesOf, createKeyTable, type KeyCase } from './pairs/keys.ts';

/**
 * Deletions by keys of every supported type, of each system in each other one: rows are copied, and their keys come back as deletions. No
 * SQL system sends deletions yet, so they are made of the rows that its source returns.
 */
let systems: TestSystems;

before(async () => {
  systems = new TestSystems(await tempFolder('deletes'));
});
after(() => systems?.stop());

for (const from of systemNames) {
  test(`deletions by the keys of ${from}, in each system`, async () => {
    const source = await systems.createDatabase(from);
    const cases = casesOf(from);
    for (const each of cases) await createKeyTable(source, each);
    for (const to of systemNames) {
      const destination = await systems.createDatabase(to);
      const ends = await endsOf(source, destination);
      let checked = 0;
      for (const each of cases) if (await isChecked(ends, source, destination, each)) checked += 1;
      assert.ok(checked >= 5, `${checked} keys from ${from} to ${to}`);
    }
  });
}

/** False: a type of the key cannot be a key at the destination. */
async function isChecked(
  ends: FlowEnds,
  source: TestDatabase,
  destination: TestDatabase,
  { name, rows }: KeyCase,
): Promise<boolean> {
  const tables = { from: source.tableName(name), to: destination.tableName(name) };
  const flow = await openFlow(ends, { ...tables, deletes: 'Hard', rowFormat: 'values', maxRows: 4 });
  const what = `${name}, ${source.system} to ${destination.system}`;
  try {
    if (flow.plan.columns.findings.some(({ severity }) => severity === 'error')) return false;
    await flow.claim();
    await flow.pass();
    const count = async () =>
      (await destination.rows(`SELECT count(*) FROM ${destination.quote(name)}`))[0]?.[0];
    assert.equal(await count(), String(rows.length), what);
    const { batches } = await readAll(flow.read());
    let deleted = 0;
    for (const [index, batch] of batches.entries())
      deleted += (await flow.write(deletionsOf(batch, flow.request.key, index, flow))).deleted;
    assert.deepEqual([deleted, await count()], [rows.length, '0'], what);
    return true;
  } finally {
    await flow.close();
  }
}

/** All rows of the batch as deletions: only their keys have values. */
function deletionsOf(
  batch: Batch,
  key: readonly string[],
  index: number,
  { request }: Pick<Awaited<ReturnType<typeof openFlow>>, 'request'>,
): Batch {
  const isKey = request.columns.map(({ column }) => key.includes(column.name));
  const rows = 'rows' in batch.rows ? [...batch.rows.rows] : assert.fail('values were asked for');
  return {
    ...batch,
    rows: {
      format: 'values',
      rows: rows.map((row) => row.map((value, at) => (isKey[at] ? value : null))),
      deletions: [...rows.keys()],
    },
    offset: { mode: 'Stream', token: String(index) },
  };
}

async function endsOf(source: TestDatabase, destination: TestDatabase): Promise<FlowEnds> {
  const [from, to] = [await endOf(source), await endOf(destination)];
  const { openSource } = from.connector;
  return {
    connector: { ...to.connector, openSource },
    ...(familyOf(source.system) !== familyOf(destination.system) && { isSameSystem: false }),
    source: from.access,
    destination: to.access,
  };
}

const familyOf = (system: SystemName) => (system === 'mariadb' ? 'mysql' : system);

async function endOf(
  database: TestDatabase,
): Promise<{ readonly connector: Connector<Destination>; readonly access: SystemAccess }> {
  const { sources } = sourcesOf(parseFile('systems.yaml', database.manifest('system')).documents, 'default');
  const found = sources.find(({ kind }) => kind === 'DataSource') ?? assert.fail('there is no DataSource');
  const identity = { uid: 'u', namespace: 'default', name: 'system', generation: 1 };
  const dataSource = manifests.readDataSource({ ...identity, spec: found.body.spec });
  const secret = sources.find(({ kind }) => kind === 'Secret')?.body.stringData as
    | Record<string, string>
    | undefined;
  const secrets: SecretReader = { read: async (_namespace, _name, key) => new Secret(secret?.[key] ?? '') };
  const connector = (await definitionOf(dataSource.spec.type).load()) as Connector<Destination>;
  return { connector, access: await resolveAccess(dataSource, secrets) };
}
