import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { SyncDetail } from '../api/contract/index.ts';
import { until } from './kit/wait.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';
import { ShopCluster } from './ui/shop-cluster.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const pages = [
  '/',
  '/syncs',
  '/syncs?state=Nothing',
  '/syncs/team-a/orders',
  '/syncs/team-a/orders?tab=timeline',
  '/syncs/team-a/orders?tab=offset',
  '/syncs/team-a/orders?tab=yaml',
  '/syncs/team-a/orders/edit',
  '/syncs/new',
  '/data-sources',
  '/data-sources/team-a/shop',
  '/data-sources/new',
  '/agents',
  '/activity',
  '/activity?tab=changes',
  '/settings',
  '/settings?tab=tokens',
  '/settings?tab=users',
  '/settings?tab=about',
  '/nothing',
] as const;

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Every page in both themes, wide and narrow: axe finds nothing, and nothing is cut off at the side. */
describe('accessibility of the web UI', () => {
  let browser: Browser;
  let cluster: ShopCluster;
  before(async () => {
    browser = await startBrowser();
    cluster = await ShopCluster.start();
    await cluster.makeDataSources();
    const { client } = cluster.served;
    await client.send('POST', '/syncs/team-a', {
      name: 'orders',
      spec: {
        source: { dataSource: 'shop', table: 'orders', idField: 'id' },
        destination: { dataSource: 'warehouse', table: 'orders' },
        mode: 'Id',
      },
    });
    await until(async () => (await client.get<SyncDetail>('/syncs/team-a/orders')).row.rows === 3, {
      what: 'the rows',
    });
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  for (const theme of ['light', 'dark'] as const)
    for (const width of [1280, 360])
      test(`${theme}, ${width} pixels`, async () => {
        const { page, context, watch } = await openPage(browser, cluster.url, { theme, width });
        await page.getByLabel('Password', { exact: true }).waitFor();
        const found = await violationsOf(page, 'login');
        await logIn(page);
        for (const path of pages) {
          await page.goto(cluster.url + path);
          await page.locator('h1').waitFor();
          await until(async () => (await page.locator('main [aria-busy=true]').count()) === 0, {
            what: path,
          });
          found.push(...(await violationsOf(page, path)));
        }
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox').waitFor();
        found.push(...(await violationsOf(page, 'palette')));
        assert.deepEqual(found, []);
        assertClean(watch);
        await context.close();
      });

  test('by keyboard alone: to the list, down, choose, open, and by the palette to another page', async () => {
    const { page, context, watch } = await openPage(browser, cluster.url);
    await logIn(page);
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('row').filter({ hasText: 'orders' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByRole('toolbar').getByText('1 chosen').waitFor();
    await page.keyboard.press('o');
    await page.getByRole('heading', { name: 'orders' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('ware');
    await page.getByRole('option', { name: /warehouse/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'warehouse' }).waitFor();
    assertClean(watch);
    await context.close();
  });
});

async function violationsOf(page: Page, where: string): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run()')) as { readonly violations: readonly Violation[] };
  const isCut = await page.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
  return [
    ...violations.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html.slice(0, 200)}`),
    ...(isCut ? [`${where}: wider than the window`] : []),
  ];
}
