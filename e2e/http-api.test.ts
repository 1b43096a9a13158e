import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { CrashPoint } from '../core/crash-points.ts';
import { ApiServer } from './kit/api/api-server.ts';
import { type ApiItem, send } from './kit/api/items.ts';
import { killedAt } from './kit/kill-hook.ts';
import { randomFrom } from './kit/random.ts';
import { anyDataSource, SingleMode, syncManifest } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';

/**
 * An HTTP API as source and destination of whole processes, which are killed while the API changes, cuts connections and refuses calls. At
 * the end every row is compared.
 */
const kills = 20;
const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
let folder: string;
let api: ApiServer;
let single: SingleMode;

beforeEach(async () => {
  folder = await tempFolder('http-api');
  api = await ApiServer.start();
  single = new SingleMode(folder);
  inFile(
    'shop',
    'CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT, amount DECIMAL(20,4))',
  );
  inFile('warehouse', 'CREATE TABLE made (x INT)');
});
afterEach(async () => {
  await api.stop();
  await removeFolder(folder);
});

const pathOf = (name: string) => join(folder, `${name}.db`);

function inFile(name: string, sql: string): readonly unknown[][] {
  const database = new Database(pathOf(name));
  try {
    database.defaultSafeIntegers(true);
    if (/^SELECT/.test(sql)) return database.prepare(sql).raw().all() as unknown[][];
    database.exec(sql);
    return [];
  } finally {
    database.close();
  }
}

function manifests(...syncs: readonly string[]): string {
  return [
    anyDataSource('api', { http: { url: api.url, allowPrivateAddresses: true } }),
    ...['shop', 'warehouse'].map((name) => anyDataSource(name, { sqlite: { path: pathOf(name) } })),
    ...syncs,
  ].join('');
}

let clock = Date.UTC(2026, 0, 1);

function item(id: number, version: number): ApiItem {
  clock += 1_000;
  const at = new Date(clock).toISOString();
  const json = `{"id":${id},"version":${version},"amount":${id}.0${version},"big":9007199254740993000${id},"updated_at":"${at}"}`;
  return { id: String(id), at, json };
}

/** Where a process is killed: at a point that is reached for the nth time, or after some time. */
const points: readonly CrashPoint[] = [
  'claim:after',
  'write:before',
  'commit:before',
  'commit:after',
  'mirror:after',
  'pass:before-end',
];

async function endLife(random: () => number): Promise<boolean> {
  const at = random() < 0.7 ? points[Math.floor(random() * points.length)] : undefined;
  const count = at === 'claim:after' ? 1 : 1 + Math.floor(random() * 6);
  const running = await single.start(at ? killedAt({ at, count }) : {});
  if (!at) {
    await running.process.waitForLine('"progress"', 60_000);
    await pause(random() * 400);
    running.process.kill('SIGKILL');
  }
  // It is not guaranteed that the point is reached that often.
  const exit = await running.process.waitForExit(4_000).catch(() => {
    running.process.kill('SIGKILL');
    return running.process.waitForExit();
  });
  assert.equal(exit.signal, 'SIGKILL', running.process.tail());
  return at !== undefined;
}

/** The API answers as it should, cuts the answer in the middle, fails, or limits the rate of calls. */
function unsteady(random: () => number): void {
  api.intercept = (_request, response) => {
    const kind = random();
    if (kind < 0.08) {
      response.writeHead(200, { 'content-length': '100000' });
      response.write('[{"id":1},');
      setImmediate(() => response.destroy());
    } else if (kind < 0.12) send(response, 503, '', { 'retry-after': '0' });
    else if (kind < 0.2) send(response, 429, '', { 'retry-after': '0' });
    else return false;
    return true;
  };
}

test(`a list as source: ${kills} SIGKILLs, and an API that fails, lose no item`, async (context) => {
  const random = randomFrom(seed);
  const schedule = { continuous: true };
  const read = (path: string, more: object, rest: object) =>
    syncManifest(path.split('/')[1] ?? '', {
      source: { dataSource: 'api', path, key: ['id'], ...more },
      destination: { dataSource: 'warehouse', table: path.split('/')[1] },
      batch: { maxRows: 30 },
      schedule,
      ...rest,
    });
  const byTime = { mode: 'Timestamp' };
  await single.write(
    manifests(
      read(
        '/link/orders?limit=25',
        { paging: { linkHeader: true }, timestampField: 'updated_at', param: 'since' },
        byTime,
      ),
      read(
        '/cursor/orders?limit=40&order=desc',
        {
          itemsPath: 'data',
          paging: { cursorPath: 'meta.next_cursor', cursorParam: 'cursor' },
          timestampField: 'updated_at',
          param: 'since',
        },
        byTime,
      ),
      read(
        '/page/orders?limit=50',
        { itemsPath: 'items', paging: { pageParam: 'page' } },
        { mode: 'Snapshot', schedule: { every: '1s' } },
      ),
      read(
        '/offset/orders?limit=50',
        { itemsPath: 'items', paging: { offsetParam: 'offset' } },
        { mode: 'Snapshot', writeMode: 'Replace', schedule: { every: '1s' } },
      ),
    ),
  );
  const items = api.collection('orders');
  for (let id = 1; id <= 400; id += 1) items.push(item(id, 0));
  unsteady(random);
  let atPoints = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    if (await endLife(random)) atPoints += 1;
    for (let change = 0; change < 10; change += 1) {
      const at = Math.floor(random() * items.length);
      // An item that changes has a new time, and is the last one by time.
      const [old] = items.splice(at, 1);
      items.push(item(Number(old?.id), kill + 1), item(1_000 + kill * 10 + change, 0));
    }
  }
  api.intercept = undefined;
  await single.runWell();
  context.diagnostic(`seed ${seed}, ${atPoints} kills at points`);
  const wanted = items
    .map(({ json }) => JSON.parse(json) as { id: number; version: number })
    .map(({ id, version }) => `${id} ${version} ${id}.0${version} 9007199254740993000${id}`)
    .sort();
  for (const table of ['link', 'cursor', 'page', 'offset']) {
    const rows = inFile('warehouse', `SELECT id, version, amount, big FROM ${table}`);
    assert.deepEqual(
      rows.map((cells) => cells.map(String).join(' ')).sort(),
      wanted,
      `${table}, seed ${seed}`,
    );
  }
});

test(`items as destination: ${kills} SIGKILLs, and an API that fails, lose no row`, async (context) => {
  const random = randomFrom(seed);
  const insert = (count: number) =>
    inFile(
      'shop',
      `INSERT INTO orders (body, amount) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT 'v"' || i, i || '.1250' FROM n`,
    );
  insert(200);
  const write = (name: string, destination: object, more: object) =>
    syncManifest(name, {
      source: { dataSource: 'shop', table: 'orders', idField: 'id' },
      destination: { dataSource: 'api', ...destination },
      mode: 'Id',
      batch: { maxRows: 20 },
      schedule: { continuous: true },
      ...more,
    });
  await single.write(
    manifests(
      write('put', { path: '/items/put/{{ row.id }}' }, {}),
      write('post', { path: '/items/post' }, { writeMode: 'Append' }),
      write(
        'bulk',
        {
          path: '/bulk/bulk',
          bodyTemplate: '{{ rows }}',
          rowsPerCall: 7,
          results: { path: 'results', statusPath: 'status' },
        },
        {},
      ),
    ),
  );
  unsteady(random);
  let atPoints = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    if (await endLife(random)) atPoints += 1;
    insert(15);
  }
  api.intercept = undefined;
  const { status } = await single.runWell();
  context.diagnostic(`seed ${seed}, ${atPoints} kills at points`);
  assert.ok([...status.values()].every(({ guarantee }) => guarantee === 'AtLeastOnce'));
  const wanted = inFile('shop', 'SELECT id, body, amount FROM orders ORDER BY id').map(
    ([id, body, amount]) => `{"id":${id},"body":${JSON.stringify(body)},"amount":${amount}}`,
  );
  for (const name of ['put', 'bulk'])
    assert.deepEqual(
      api
        .collection(name)
        .toSorted((one, other) => Number(one.id) - Number(other.id))
        .map(({ json }) => json.replaceAll(' ', '')),
      wanted,
      `${name}, seed ${seed}`,
    );
  // Calls that were repeated had the same key, so the API has stored them once.
  const posted = api.collection('post').map(({ json }) => json);
  assert.deepEqual([...new Set(posted)].sort(), wanted.toSorted());
  const calls = api.requests.filter(({ method }) => method === 'POST').length;
  context.diagnostic(`${posted.length} items of ${wanted.length} rows by ${calls} calls`);
  assert.equal(posted.length, wanted.length);
});

test('a storm of 429 is waited out; a redirect to a metadata service and a next link to another host are refused', async () => {
  api.collection('orders').push(...Array.from({ length: 60 }, (_, index) => item(index + 1, 0)));
  await single.write(
    manifests(
      syncManifest('in', {
        source: {
          dataSource: 'api',
          path: '/link/orders?limit=10',
          paging: { linkHeader: true },
          key: ['id'],
        },
        destination: { dataSource: 'warehouse', table: 'orders' },
        mode: 'Snapshot',
      }),
    ),
  );
  let refusals = 0;
  api.intercept = (_request, response) => {
    if (refusals % 4 === 3) {
      refusals += 1;
      return false;
    }
    refusals += 1;
    send(response, 429, '', { 'retry-after': '0' });
    return true;
  };
  await single.runWell();
  assert.equal(inFile('warehouse', 'SELECT count(*) FROM orders')[0]?.[0], 60n);
  assert.ok(refusals > 20);
  const failures = {
    RedirectRefused: (request: { path: string }) =>
      request.path.includes('page=3') && { location: 'http://169.254.169.254/latest/meta-data/iam' },
    NextPageRefused: (request: { path: string }) =>
      request.path.includes('page=2') && { link: '<http://evil.example/steal>; rel="next"' },
  };
  for (const [code, headersOf] of Object.entries(failures)) {
    api.intercept = (request, response) => {
      const headers = headersOf(request);
      if (!headers) return false;
      send(response, code === 'RedirectRefused' ? 302 : 200, '[]', headers);
      return true;
    };
    const { code: exit, status } = await single.runOnce();
    assert.equal(exit, 1);
    assert.deepEqual([status.get('in')?.lastError?.code, status.get('in')?.state], [code, 'Failed']);
    assert.ok(!JSON.stringify([...status]).includes('steal'));
  }
});
