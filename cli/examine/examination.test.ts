import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { connectCoordination } from '../../coordination/connect.ts';
import type { Coordination, Probe } from '../../coordination/contract.ts';
import { openStateFile } from '../../coordination/single/state-file.ts';
import { permanent } from '../../core/errors.ts';
import { makeToken } from '../../core/token.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { processCli } from '../cli.ts';
import { highestEpochSeen } from '../highest-epoch.ts';
import { idra } from '../test-cli.ts';

let folder: string;
let path: string;

before(async () => {
  folder = await tempFolder('examine');
  path = join(folder, 'shop.yaml');
  const shop = new Database(join(folder, 'shop.db'));
  shop.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL)');
  shop.exec("INSERT INTO orders (item) VALUES ('a'), ('b')");
  shop.close();
  await writeFile(path, manifests());
});

function manifests(pin = ''): string {
  const system = (name: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: { sqlite: { path: ${join(folder, `${name}.db`)} }${pin} }
---
`;
  return `${system('shop')}${system('warehouse')}apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: orders }
spec:
  source: { dataSource: shop, table: orders, idField: id }
  destination: { dataSource: warehouse, table: orders }
  mode: Id
`;
}

describe('in this process', () => {
  test('check, discover and plan read the systems and change nothing', async () => {
    const check = await idra(['check', '-f', path]);
    assert.deepEqual([check.status, check.err], [0, '']);
    assert.match(check.out, /DataSource default\/shop +ok {2}SQLite 3[\s\S]*Sync default\/orders +ok/);
    const discover = await idra(['discover', 'shop', '-f', path, '-o', 'json']);
    assert.deepEqual(
      JSON.parse(discover.out).map((each: { name: string }) => each.name),
      ['orders'],
    );
    assert.match(
      (await idra(['discover', 'shop', '-f', path, '-o', 'wide'])).out,
      /orders +item +TEXT +NOT NULL/,
    );
    const state = join(folder, 'state.db');
    const plan = await idra(['plan', '-f', path, '--state', state]);
    assert.equal(plan.status, 1);
    assert.match(
      plan.out,
      /default\/orders: shop orders -> warehouse orders, Id, Upsert\n {2}guarantee +ExactlyOnce[\s\S]*rows waiting +2[\s\S]*CREATE TABLE "orders"/,
    );
    assert.doesNotMatch(plan.out, /_idra_commits/);
    assert.equal(existsSync(state), false);
    assert.equal(existsSync(join(folder, 'warehouse.db')), false);
  });

  test('check after a run knows the Syncs by the state file, even while a run uses it', async () => {
    const moved = join(folder, 'moved.yaml');
    await writeFile(moved, manifests().replaceAll('warehouse', 'moved'));
    const state = join(folder, 'moved.state.db');
    const run = await idra(['run', '-f', moved, '--once', '--progress', 'none', '--state', state]);
    assert.equal(run.status, 0, run.err);
    const held = openStateFile(state);
    try {
      const check = await idra(['check', '-f', moved, '--state', state]);
      assert.deepEqual([check.status, check.err], [0, ''], check.out);
      const plan = await idra(['plan', '-f', moved, '--state', state]);
      assert.equal(plan.status, 0, plan.out);
    } finally {
      held.close();
    }
    const lost = await idra(['check', '-f', moved, '--state', join(folder, 'none.db')]);
    assert.equal(lost.status, 1);
    assert.match(lost.out, /another Sync named default\/orders/);
    new Database(join(folder, 'moved.db')).exec('DROP TABLE orders').close();
    const dropped = await idra(['plan', '-f', moved, '--state', state]);
    assert.equal(dropped.status, 2);
    assert.match(dropped.out, /the table that the offset belongs to is gone/);
    assert.doesNotMatch(dropped.out, /continues from/);
  });

  test('problems of a system are findings, with status 1 of check and status 2 of plan', async () => {
    const wrong = join(folder, 'wrong.yaml');
    await writeFile(wrong, manifests().replace('table: orders, idField', 'table: ordres, idField'));
    const check = await idra(['check', '-f', wrong]);
    assert.equal(check.status, 1);
    assert.match(check.out, /Sync default\/orders +failed\n +error: spec\.source\.table: .*ordres/);
    const plan = await idra(['plan', '-f', wrong, '-o', 'json']);
    assert.equal(plan.status, 2);
    assert.equal(JSON.parse(plan.out)[0].findings[0].code, 'TableNotFound');
  });

  test('the highest epoch is that of the tokens at the destinations; a destination that cannot be read is named', async () => {
    const other = join(folder, 'other.yaml');
    await writeFile(other, manifests().replaceAll('warehouse', 'second'));
    const printed: string[] = [];
    const cli = {
      ...processCli(),
      err: { isTerminal: false, columns: 80, write: (text: string) => void printed.push(text) },
    };
    assert.equal(await highestEpochSeen(cli, other), 0);
    assert.equal(
      (await idra(['run', '-f', other, '--once', '--progress', 'none', '--state', join(folder, 's.db')]))
        .status,
      0,
    );
    const second = new Database(join(folder, 'second.db'));
    second.prepare('UPDATE _idra_commits SET token = ?').run(makeToken(7, 42n));
    second.close();
    assert.equal(await highestEpochSeen(cli, other), 7);
    assert.deepEqual(printed, []);
    await writeFile(other, manifests().replaceAll('warehouse.db', 'shop.yaml'));
    assert.equal(await highestEpochSeen(cli, other), 0);
    assert.match(printed.join(''), /^default\/orders: its destination could not be queried: .*shop\.yaml/);
  });
});

describe('by the agents of a cluster', () => {
  let server: EtcdServer;
  let store: Coordination;
  let answers: { close(): Promise<void> };
  const asked: Probe[] = [];
  const env = () => ({ IDRA_ETCD_ENDPOINTS: server.endpoints.join(',') });

  before(async () => {
    server = await etcd({ members: 1 });
    store = connectCoordination({ endpoints: server.endpoints, prefix: '/idra/' });
    const labels = { disk: 'a' };
    const session = await store.join(
      { name: 'a1', labels, version: '0', instance: 'one' },
      { leaseTtlMs: 10_000 },
    );
    const answer = async (probe: Probe) => {
      asked.push(probe);
      if (probe.subject === 'default/warehouse')
        throw permanent('AuthenticationFailed', 'the password is wrong');
      if (probe.kind === 'plan')
        return { columns: [], statements: [], findings: [], rowsWaiting: 0, guarantee: 'ExactlyOnce' };
      return probe.kind === 'check'
        ? { version: 'SQLite 3', findings: [] }
        : [{ name: 'orders', columns: [], keys: [] }];
    };
    answers = store.probes.answer(session, labels, answer, () => {});
    await writeFile(path, manifests(', placement: { agentSelector: { disk: a } }'));
    assert.equal((await idra(['apply', '-f', path], env())).status, 0);
  });
  after(async () => {
    await answers?.close();
    await store?.close();
    await server?.stop();
  });

  test('check, discover and plan ask an agent that the placement allows', async () => {
    const check = await idra(['check'], env());
    assert.equal(check.status, 1);
    assert.match(check.out, /DataSource default\/shop +ok {2}SQLite 3\n/);
    assert.match(check.out, /DataSource default\/warehouse +failed\n +error: the password is wrong/);
    assert.match((await idra(['discover', 'shop'], env())).out, /^NAME +COLUMNS[\s\S]*\norders/);
    const plan = await idra(['plan'], env());
    assert.deepEqual([plan.status, plan.err], [0, '']);
    assert.match(plan.out, /guarantee +ExactlyOnce/);
    assert.ok(asked.length >= 4);
    for (const probe of asked) assert.deepEqual(probe.selector, { disk: 'a' });
  });

  test('a Sync that is not applied yet is planned with --agents', async () => {
    const fresh = join(folder, 'fresh.yaml');
    const text = manifests();
    await writeFile(fresh, text.slice(text.lastIndexOf('---\n') + 4).replace('name: orders', 'name: fresh'));
    const { status, out } = await idra(['plan', '-f', fresh, '--agents'], env());
    assert.equal(status, 0);
    assert.match(out, /^default\/fresh: shop orders -> warehouse orders/);
    assert.equal((asked.at(-1)?.subject as { name: string } | undefined)?.name, 'fresh');
  });

  test('a DataSource that no agent can check is reported at once, with the others', async () => {
    const lonely = join(folder, 'lonely.yaml');
    const text = manifests(', placement: { agentSelector: { disk: z } }').replaceAll('shop', 'lonely');
    await writeFile(lonely, text.slice(0, text.indexOf('---\n')));
    assert.equal((await idra(['apply', '-f', lonely], env())).status, 0);
    const startMs = performance.now();
    const check = await idra(['check'], env());
    assert.ok(performance.now() - startMs < 30_000, 'it waited for an answer that nobody can give');
    assert.equal(check.status, 1);
    assert.match(
      check.out,
      /DataSource default\/lonely +failed\n.*no agent has the labels disk=z; there are a1/,
    );
    assert.match(check.out, /DataSource default\/shop +ok/);
    assert.equal((await idra(['delete', 'datasource', 'lonely'], env())).status, 0);
  });

  test('agents check only DataSources that are applied', async () => {
    const other = join(folder, 'unapplied.yaml');
    await writeFile(
      other,
      manifests(', placement: { agentSelector: { disk: a } }').replaceAll('shop', 'unapplied'),
    );
    const { status, err } = await idra(['plan', '-f', other, '--agents'], env());
    assert.equal(status, 2);
    assert.match(err, /unapplied is only in this file.*\n +apply it first.*or omit --agents/);
  });

  test('without manifests and without a cluster there is nothing to check', async () => {
    const { status, err } = await idra(['check']);
    assert.equal(status, 3);
    assert.match(err, /give -f PATH, or set IDRA_ETCD_ENDPOINTS/);
  });
});
