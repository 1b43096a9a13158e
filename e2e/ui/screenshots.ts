import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SyncList, TotalTrend } from '../../api/contract/index.ts';
import { projectFolder } from '../kit/processes.ts';
import { until } from '../kit/wait.ts';
import { logIn, openPage, startBrowser } from './open-page.ts';
import { ShopCluster } from './shop-cluster.ts';

/** `make screenshots`: the main pages over a moving shop, into docs/ui. */
const isAll = process.argv[3] === 'all';
/** Of the dark and the narrow pictures, those that are kept. */
const few = new Set(['overview-dark', 'editor-dark', 'syncs-small']);
const folder = process.argv[2] ?? join(projectFolder, 'docs/ui');

/** Parts of a page that are loaded later. */
const unfinished =
  'main [aria-busy=true], .chart-empty:empty, .chart-place:not(:has(canvas)), .yaml-pane:not(:has(.cm-content))';
/** One comes every ten seconds. */
const chartPoints = 4;

const pages = [
  ['overview', '/'],
  ['syncs', '/syncs'],
  ['sync', '/syncs/team-a/orders'],
  ['editor', '/syncs/team-a/orders/edit'],
] as const;
const others = [
  ['agents', '/agents'],
  ['activity', '/activity?tab=changes'],
  ['data-source', '/data-sources/team-a/shop'],
  ['new-data-source', '/data-sources/new'],
  ['timeline', '/syncs/team-a/orders?tab=timeline'],
  ['offset', '/syncs/team-a/archive?tab=offset'],
  ['settings', '/settings'],
] as const;

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [browser, cluster] = await Promise.all([startBrowser(), ShopCluster.start()]);
  try {
    const { client } = cluster.served;
    await fill(cluster);
    const changing = setInterval(() => {
      cluster.folder.execute(
        'team-a/shop.db',
        "INSERT INTO orders (v, at) SELECT 'x', datetime('now') FROM orders LIMIT 40",
      );
    }, 700);
    await until(async () => (await client.get<TotalTrend>('/trend')).points.length >= chartPoints, {
      what: 'the first points of the charts',
      timeoutMs: 5 * 60_000,
      everyMs: 1_000,
    });
    const shots = isAll ? [...pages, ...others] : pages;
    for (const theme of ['light', 'dark'] as const)
      for (const width of [1280, 360]) {
        if (!isAll && theme === 'dark' && width === 360) continue;
        const { page, context } = await openPage(browser, cluster.url, { width, theme });
        await logIn(page);
        for (const [name, path] of shots) {
          const kind = `${theme === 'dark' ? '-dark' : ''}${width === 360 ? '-small' : ''}`;
          if (!isAll && kind !== '' && !few.has(`${name}${kind}`)) continue;
          await page.goto(cluster.url + path);
          await page.locator('h1').waitFor();
          await page.locator(unfinished).first().waitFor({ state: 'detached' });
          await page.evaluate('document.fonts.ready');
          // A chart is drawn with the frame after next; events and sizes arrive after the page is there.
          await page.waitForTimeout(500);
          await page.screenshot({ path: join(folder, `${name}${kind}.png`) });
        }
        await context.close();
      }
    clearInterval(changing);
  } finally {
    await browser.close();
    await cluster.stop();
  }
}

async function fill(cluster: ShopCluster): Promise<void> {
  const { client } = cluster.served;
  await cluster.agent('a-1');
  await cluster.makeDataSources();
  const sync = (name: string, more: object, source: object = {}) =>
    client.send('POST', '/syncs/team-a', {
      name,
      spec: {
        source: { dataSource: 'shop', table: 'orders', ...source },
        destination: { dataSource: 'warehouse', table: name.replaceAll('-', '_') },
        mode: 'Id',
        schedule: { every: '1s' },
        ...more,
      },
    });
  await sync('orders', {}, { idField: 'id' });
  await sync('orders-hourly', { mode: 'Snapshot', schedule: { every: '1h' } });
  await sync('orders-by-time', { mode: 'Timestamp', schedule: { every: '2s' } }, { timestampField: 'at' });
  await sync('invoices', { schedule: { every: '5s' } }, { table: 'invoices', idField: 'id' });
  await sync('archive', { suspend: true }, { idField: 'id' });
  await until(
    async () => (await client.get<SyncList>('/syncs')).items.some(({ state }) => state === 'Failed'),
    { what: 'a Sync that fails' },
  );
}

await main();
