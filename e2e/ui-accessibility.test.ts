import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import type { SyncDetail } from '../api/contract/index.ts';
import { adminPassword } from '../api/test-api.ts';
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
        await page.goto(`${cluster.url}/syncs?q=orders`);
        await page.getByRole('button', { name: 'Saved views' }).click();
        found.push(...(await violationsOf(page, 'saved views')));
        await page.goto(`${cluster.url}/data-sources/team-a/shop`);
        await page.getByRole('button', { name: 'Show tables' }).click();
        await page.getByLabel('Choose orders').check();
        await page.getByRole('button', { name: 'Make Syncs' }).click();
        await page.getByRole('dialog').getByLabel('Destination', { exact: true }).selectOption('warehouse');
        await page.getByRole('dialog').getByText('exists already').waitFor();
        found.push(...(await violationsOf(page, 'many Syncs')));
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

  test('a Sync is created, suspended and deleted without a mouse, from the login on', async () => {
    const { page, context, watch } = await openPage(browser, `${cluster.url}/syncs/new`);
    const { keyboard } = page;
    await page.getByLabel('User', { exact: true }).waitFor();
    await tabTo(page, page.getByLabel('User', { exact: true }));
    await keyboard.type('admin');
    await tabTo(page, page.getByLabel('Password', { exact: true }));
    await keyboard.type(adminPassword);
    await keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'YAML' }).waitFor();
    const fill = async (label: Locator, text: string) => {
      await tabTo(page, label);
      await keyboard.press('Control+a');
      await keyboard.type(text);
    };
    await fill(page.getByLabel('Name', { exact: true }), 'by-keyboard');
    await fill(page.getByLabel('Namespace', { exact: true }), 'team-a');
    await page
      .locator('[data-path="spec.source.dataSource"] option', { hasText: 'shop' })
      .waitFor({ state: 'attached' });
    await tabTo(page, page.locator('[data-path="spec.source.dataSource"] select'));
    await keyboard.type('shop');
    await tabTo(page, page.getByRole('button', { name: 'Choose a table of shop' }));
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'orders' }));
    await keyboard.press('Enter');
    await tabTo(page, page.locator('[data-path="spec.destination.dataSource"] select'));
    await keyboard.type('ware');
    await fill(page.locator('[data-path="spec.destination.table"] input'), 'by_keyboard');
    await page.getByText('No problem found.').waitFor();
    await tabTo(page, page.getByRole('button', { name: 'Review' }));
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }));
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'by-keyboard' }).waitFor();
    await page.getByText('written 3').waitFor();
    await tabTo(page, page.getByRole('button', { name: 'Suspend' }));
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await tabTo(page, page.getByRole('button', { name: 'Delete', exact: true }));
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }));
    await keyboard.press('Enter');
    await page.waitForURL(/\/syncs$/);
    assertClean(watch);
    await context.close();
  });
});

const mostTabs = 150;

/** By the Tab key alone; nothing on the way may keep the focus. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let count = 0; count < mostTabs; count++) {
    if (await wanted.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the Tab key does not reach ${wanted}`);
}

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
