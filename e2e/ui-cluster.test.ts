import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { SyncDetail } from '../api/contract/index.ts';
import { adminPassword, firstPassword, TestClient, userPassword } from '../api/test-api.ts';
import { until } from './kit/wait.ts';
import { createOrders } from './ui/create-orders.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';
import { ShopCluster } from './ui/shop-cluster.ts';
import { writeYaml } from './ui/write-yaml.ts';

/** A user in a browser, an API server, an agent and two SQLite files, over a real etcd. */
describe('the web UI over etcd and an agent', () => {
  let browser: Browser;
  let cluster: ShopCluster;
  let url: string;
  before(async () => {
    browser = await startBrowser();
    cluster = await ShopCluster.start();
    url = cluster.url;
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const orders = () => cluster.served.client.get<SyncDetail>('/syncs/team-a/orders');

  test('a data source by YAML, then a Sync by the form: table from discovery, plan, difference, rows', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/data-sources/new`);
    await logIn(page);
    await page.getByLabel('System').selectOption('sqlite');
    await page.locator('[data-path="spec.sqlite.path"] input').fill('shop.db');
    await page.getByRole('textbox', { name: 'YAML' }).getByText('path: shop.db').waitFor();
    page.once('dialog', (dialog) => void dialog.accept());
    for (const name of ['shop', 'warehouse']) {
      await page.goto(`${url}/data-sources/new`);
      await writeYaml(page, dataSource(name));
      await page.getByText('No problem found.').waitFor();
      await page.getByRole('button', { name: 'Review' }).click();
      await page.getByRole('dialog').getByText(`path: ${name}.db`).waitFor();
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
    }
    await page.goto(`${url}/syncs/new`);
    await page.getByLabel('Name', { exact: true }).fill('orders');
    await page.getByLabel('Namespace', { exact: true }).fill('team-a');
    await choose(page, 'spec.source.dataSource', 'shop');
    await choose(page, 'spec.destination.dataSource', 'warehouse');
    await page.getByRole('button', { name: 'Choose a table of shop' }).click();
    await page.getByRole('button', { name: /orders$/ }).click();
    await choose(page, 'spec.mode', 'Id');
    await page.locator('[data-path="spec.destination.table"] input').fill('orders');
    await page.getByRole('button', { name: 'spec.source.idField' }).click();
    await page.keyboard.type('id');
    await page.getByText('No problem found.').waitFor();
    await page.getByRole('button', { name: 'Plan' }).click();
    await page.getByText('about 3').waitFor();
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('dialog').getByText('idField: id').waitFor();
    await createOrders(page, cluster);
    assertClean(watch);
    await context.close();
  });

  test('a problem of the YAML leads to its field; a second editor sees the difference and loses nothing', async () => {
    const one = await openPage(browser, `${url}/syncs/team-a/orders/edit`);
    await logIn(one.page);
    const two = await openPage(browser, `${url}/syncs/team-a/orders/edit`);
    await logIn(two.page);
    const every = '[data-path="spec.schedule.every"] input';
    await one.page.locator(every).fill('soon');
    await one.page.getByRole('button', { name: 'spec.schedule.every' }).click();
    assert.equal(await one.page.locator(every).evaluate((input) => input.matches(':focus')), true);
    await one.page.locator(every).fill('1s');
    await two.page.locator(every).fill('2s');
    await two.page.getByText('No problem found.').waitFor();
    await two.page.getByRole('button', { name: 'Review' }).click();
    await two.page.getByRole('dialog').getByText('every: 2s').waitFor();
    await one.page.getByText('No problem found.').waitFor();
    await one.page.getByRole('button', { name: 'Review' }).click();
    await one.page.getByRole('button', { name: 'Apply' }).click();
    await one.page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
    await two.page.getByRole('button', { name: 'Apply' }).click();
    await two.page.getByText('What they have changed').waitFor();
    await two.page.getByRole('button', { name: 'Go on with mine' }).click();
    await two.page.getByRole('button', { name: 'Apply' }).click();
    await two.page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
    const { object } = await orders();
    assert.equal((object.spec as { schedule: { every: string } }).schedule.every, '2s');
    for (const { watch, context } of [one, two]) {
      assertClean(watch);
      await context.close();
    }
  });

  test('labels that somebody else sets meanwhile are not lost, and an editor never writes another object', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/syncs/team-a/orders/edit`);
    await logIn(page);
    await page.locator('[data-path="spec.schedule.every"] input').fill('1s');
    const targets = [{ namespace: 'team-a', name: 'orders' }];
    const labels = { team: 'blue' };
    await cluster.served.client.send('POST', '/sync-actions', { action: 'label', targets, labels });
    await page.getByText('No problem found.').waitFor();
    const review = page.getByRole('button', { name: 'Review' });
    await review.click();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('What they have changed').waitFor();
    await page.getByText('team: blue').first().waitFor();
    assert.deepEqual((await orders()).row.labels, labels);
    await page.getByRole('button', { name: 'Back' }).click();
    await writeYaml(page, 'metadata: { name: other, namespace: team-a }\nspec: {}\n');
    await until(async () => (await review.getAttribute('aria-disabled')) === 'true', { what: 'the button' });
    assertClean(watch);
    await context.close();
  });

  test('the list of data sources shows a new one without being asked', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/data-sources`);
    await logIn(page);
    await page.getByRole('link', { name: 'team-a/warehouse' }).waitFor();
    const spec = { postgres: { host: '127.0.0.1', port: 1, database: 'd', user: 'u' } };
    await cluster.served.client.send('POST', '/datasources/team-a', { name: 'pushed', spec });
    await page.getByRole('link', { name: 'team-a/pushed' }).waitFor();
    await cluster.served.client.send('DELETE', '/datasources/team-a/pushed');
    await page.getByRole('link', { name: 'team-a/pushed' }).waitFor({ state: 'detached' });
    assertClean(watch);
    await context.close();
  });

  test('an offset: not while it runs; suspended, set, undone', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/syncs/team-a/orders?tab=offset`);
    await logIn(page);
    const set = page.getByRole('button', { name: 'Set offset' });
    await set.waitFor();
    assert.equal(await set.getAttribute('aria-disabled'), 'true');
    await page.getByText('suspend it first').first().waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await until(async () => (await set.getAttribute('aria-disabled')) === null, { what: 'the button' });
    await page.getByLabel('New offset').fill('1');
    await page.getByRole('button', { name: 'Count rows first' }).click();
    await page.getByText('Rows that are read again: 2.').waitFor();
    await set.click();
    await page.getByRole('cell', { name: 'set' }).waitFor();
    await page.getByRole('button', { name: 'Undo the last' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo the last' }).click();
    await page.getByRole('cell', { name: 'undo' }).waitFor();
    assert.equal(
      (await cluster.served.client.get<{ offset: string }>('/syncs/team-a/orders/offset')).offset,
      '3',
    );
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Suspend' }).waitFor();
    assertClean(watch);
    await context.close();
  });

  test('a viewer sees why a button cannot be used', async () => {
    const grants = [{ role: 'viewer', namespaces: ['team-a'] }];
    await cluster.served.client.send('POST', '/users', { name: 'vera', password: firstPassword, grants });
    const vera = new TestClient(url);
    await vera.login('vera', firstPassword);
    const body = { current: firstPassword, password: userPassword };
    await vera.send('PUT', '/session/password', body);
    const { page, context, watch } = await openPage(browser, `${url}/syncs/team-a/orders`);
    await logIn(page, 'vera', userPassword);
    for (const name of ['Run now', 'Suspend', 'Edit', 'Restart', 'Delete']) {
      const button = page.getByRole('button', { name, exact: true });
      await button.waitFor();
      assert.equal(await button.getAttribute('aria-disabled'), 'true', name);
      await button.click({ force: true });
    }
    await page.getByText('This needs the role editor in team-a').first().waitFor({ state: 'attached' });
    await page.goto(`${url}/settings`);
    await page.getByRole('tab', { name: 'API tokens' }).waitFor();
    assert.equal(await page.getByRole('tab', { name: 'Users' }).count(), 0);
    assertClean(watch);
    await context.close();
  });

  test('the API server is restarted under an open page: rows stay, a banner says so, it goes on by itself', async () => {
    const { page, context } = await openPage(browser, `${url}/syncs`);
    await logIn(page);
    const row = page.getByRole('row').filter({ hasText: 'orders' });
    await row.waitFor();
    await cluster.served.running.stop();
    await page.getByText('has not been reached').waitFor();
    await row.waitFor();
    await cluster.startAgain();
    await page.getByText('has not been reached').waitFor({ state: 'detached' });
    cluster.folder.execute(
      'team-a/shop.db',
      "INSERT INTO orders (v, at) VALUES ('d', '2026-01-03 08:00:00')",
    );
    await row.getByRole('link').click();
    await page.getByText('written 4').waitFor();
    await context.close();
  });

  test('a session that ends while a page is open loses nothing that was typed', async () => {
    const { page, context } = await openPage(browser, `${url}/syncs/new`);
    await logIn(page);
    await page.getByLabel('Name', { exact: true }).fill('half-written');
    const other = new TestClient(url);
    await other.login('admin', adminPassword);
    const session = await other.get<{ csrf: string }>('/session');
    other.csrf = session.csrf;
    await other.send('DELETE', '/session/all');
    await page.getByLabel('Namespace', { exact: true }).fill('team-a');
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Password', { exact: true }).fill(adminPassword);
    await dialog.getByRole('button', { name: 'Log in' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'half-written');
    await context.close();
  });
});

const dataSource = (name: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name}, namespace: team-a }
spec:
  sqlite: { path: ${name}.db }
  placement: { agentSelector: { disk: here } }
`;

async function choose(page: Page, path: string, value: string): Promise<void> {
  await page.locator(`[data-path="${path}"] select`).selectOption(value);
}
