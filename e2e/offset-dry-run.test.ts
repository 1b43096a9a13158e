import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OffsetEffect, SyncDetail } from '../api/contract/index.ts';
import { idra } from '../cli/test-cli.ts';
import { until } from './kit/wait.ts';
import { byId, dataSource, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';
import { ShopCluster } from './ui/shop-cluster.ts';

const moreRows =
  "INSERT INTO orders (v, at) VALUES ('x', '2026-02-01 08:00:00'), ('y', '2026-02-01 08:00:01')";

const bySnapshot = { source: { dataSource: 'shop', table: 'orders' }, mode: 'Snapshot' };

describe('the dry run of an offset', () => {
  test('single mode: rows that would be read again or skipped; nothing is changed', async () => {
    const folder = await ShopFolder.make();
    folder.execute('shop.db', shop);
    await folder.manifests(manifests(folder, byId));
    const path = `${folder.path}/shop.yaml`;
    const state = `${folder.path}/state.db`;
    const run = await idra(['run', '-f', path, '--once', '--progress', 'none', '--state', state]);
    assert.equal(run.status, 0, run.err);
    const attempt = (value: string, ...more: readonly string[]) =>
      idra(['offset', 'set', 'orders', value, '--dry-run', '-f', path, '--state', state, ...more]);
    const back = await attempt('1');
    assert.deepEqual([back.status, back.err], [0, '']);
    assert.equal(back.out, 'stored: 3\nnew: 1\n2 rows are read again\n');
    folder.execute('shop.db', moreRows);
    assert.equal((await attempt('4')).out, 'stored: 3\nnew: 4\n1 row is skipped\n');
    assert.equal((await attempt('3')).out, 'stored: 3\nnew: 3\nno row is read again or skipped\n');
    const json = JSON.parse((await attempt('5', '-o', 'json')).out) as OffsetEffect;
    assert.deepEqual(json.skipped, { rows: 2, precision: 'exact' });
    const wrong = await attempt('soon');
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /"soon" is not a value of type int/);
    const get = await idra(['offset', 'get', 'orders', '--state', state]);
    assert.equal(get.out, '3\n');
    const real = await idra(['offset', 'set', 'orders', '1', '--state', state]);
    assert.equal(real.status, 2);
    assert.match(real.err, /required option '--expect <current>'/);
    await folder.remove();
  });

  test('a Snapshot: within its pass rows are counted, for another pass the answer says why not', async () => {
    const folder = await ShopFolder.make();
    folder.execute('shop.db', shop);
    await folder.manifests(manifests(folder, bySnapshot));
    const path = `${folder.path}/shop.yaml`;
    const state = `${folder.path}/state.db`;
    await idra(['run', '-f', path, '--once', '--progress', 'none', '--state', state]);
    const attempt = async (value: string) =>
      (await idra(['offset', 'set', 'orders', value, '--dry-run', '-f', path, '--state', state])).out;
    assert.match(await attempt('pass 1 at ["1"]'), /stored: pass 1 complete\n.*\n2 rows are read again\n$/);
    assert.match(await attempt('pass 7'), /not counted: it is pass 1 that is stored/);
    await folder.remove();
  });
});

describe('the dry run of an offset in a cluster', () => {
  let cluster: ShopCluster;
  before(async () => {
    cluster = await ShopCluster.start();
    await cluster.makeDataSources();
    await cluster.served.client.send('POST', '/syncs/team-a', {
      name: 'orders',
      spec: {
        source: { dataSource: 'shop', table: 'orders', idField: 'id' },
        destination: { dataSource: 'warehouse', table: 'orders' },
        mode: 'Id',
      },
    });
    const path = '/syncs/team-a/orders';
    await until(async () => (await cluster.served.client.get<SyncDetail>(path)).row.rows === 3, {
      what: 'the rows',
    });
  });
  after(() => cluster?.stop());

  test('is answered by an agent, to the API and to the command line', async () => {
    const { client } = cluster.served;
    const path = '/syncs/team-a/orders/offset/dry-run';
    const effect = await client.send<OffsetEffect>('POST', path, { value: '1' });
    assert.deepEqual(effect, {
      stored: '3',
      wanted: '1',
      readAgain: { rows: 2, precision: 'exact' },
      skipped: { rows: 0, precision: 'exact' },
    });
    await client.refused(422, 'OffsetInvalid', path, { method: 'POST', body: { value: 'soon' } });
    const { endpoints, prefix } = cluster.cluster.server;
    const env = { IDRA_ETCD_ENDPOINTS: endpoints.join(','), IDRA_ETCD_PREFIX: prefix };
    const { status, out, err } = await idra(['offset', 'set', 'team-a/orders', '2', '--dry-run'], env);
    assert.deepEqual([status, out, err], [0, 'stored: 3\nnew: 2\n1 row is read again\n', '']);
    const { offset } = await client.get<{ offset: string }>('/syncs/team-a/orders/offset');
    assert.equal(offset, '3');
  });
});

function manifests(folder: ShopFolder, spec: object): string {
  return (dataSource('shop') + dataSource('warehouse') + sync(spec)).replaceAll(
    'path: ',
    `path: ${folder.path}/`,
  );
}
