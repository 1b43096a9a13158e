import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { SyncDetail, SyncList } from '../api/contract/index.ts';
import { until } from './kit/wait.ts';
import { createOrders } from './ui/create-orders.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';
import { ShopCluster } from './ui/shop-cluster.ts';
import { writeYaml } from './ui/write-yaml.ts';

/** From what an agent finds in a database to Syncs: one by YAML, and many at once. */
describe('from tables to Syncs in the web UI', () => {
  let browser: Browser;
  let cluster: ShopCluster;
  let url: string;
  before(async () => {
    browser = await startBrowser();
    cluster = await ShopCluster.start();
    url = cluster.url;
    await cluster.makeDataSources();
    cluster.folder.execute(
      'team-a/shop.db',
      `CREATE TABLE invoices (id INTEGER PRIMARY KEY, total NUMERIC NOT NULL);
       INSERT INTO invoices (total) VALUES (10), (20);
       CREATE TABLE "Order Items" (id INTEGER PRIMARY KEY, v TEXT);
       INSERT INTO "Order Items" (v) VALUES ('a');
       CREATE TABLE notes (text TEXT);`,
    );
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const found = async (page: Page) => {
    await page.getByRole('button', { name: 'Show tables' }).click();
    await page.getByText('4 of 4').waitFor();
    return page.getByRole('region', { name: 'Tables' });
  };
  const focused = (page: Page) =>
    page.evaluate('document.activeElement?.closest("[data-path]")?.dataset.path ?? ""');

  test('a Sync by YAML, from discovery to rows; a problem leads to its field', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/data-sources/team-a/shop`);
    await logIn(page);
    const tables = await found(page);
    const orders = tables.getByRole('row').filter({ hasText: 'orders' });
    await orders.getByRole('cell', { name: 'id', exact: true }).waitFor();
    await orders.getByText('3 columns').click();
    await orders.getByRole('listitem').filter({ hasText: 'id' }).waitFor();
    await orders.getByRole('link', { name: 'Sync it' }).click();
    await page.getByRole('textbox', { name: 'YAML' }).getByText('table: orders').first().waitFor();

    await writeYaml(page, sync({ mode: 'Idd', extra: 'batch: { maxRows: 0 }' }));
    await page.getByRole('button', { name: 'spec.mode', exact: true }).click();
    assert.equal(await focused(page), 'spec.mode');
    await page.getByRole('button', { name: 'spec.batch.maxRows' }).click();
    assert.equal(await focused(page), 'spec.batch.maxRows', 'in a folded part of the form');
    await writeYaml(page, 'metadata: { name: orders');
    await page.getByText('The YAML cannot be read').first().waitFor({ state: 'attached' });

    await writeYaml(page, sync({ mode: 'Id', extra: 'batch: { maxRows: 1000 } # small rows' }));
    await page.getByText('No problem found.').waitFor();
    assert.equal(
      await page.locator('[data-path="spec.mode"] select').inputValue(),
      'Id',
      'the form has it too',
    );
    await page.getByRole('button', { name: 'Review' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.line-added').getByText('maxRows: 1000').waitFor();
    await createOrders(page, cluster);
    assertClean(watch);
    await context.close();
  });

  test('edited by YAML: the difference, and if it was changed meanwhile both versions are shown and nothing is lost', async () => {
    const { client } = cluster.served;
    const { page, context, watch } = await openPage(browser, `${url}/syncs/team-a/orders/edit`);
    await logIn(page);
    const yaml = page.getByRole('textbox', { name: 'YAML' });
    await yaml.getByText('maxRows: 1000').waitFor();
    await writeYaml(page, sync({ mode: 'Id', extra: 'batch: { maxRows: 2000 }' }));
    await page.getByText('No problem found.').waitFor();
    await page.getByRole('button', { name: 'Review' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.line-removed').getByText('maxRows: 1000').waitFor();
    await dialog.locator('.line-added').getByText('maxRows: 2000').waitFor();

    const stored = await client.get<SyncDetail>('/syncs/team-a/orders');
    const spec = { ...(stored.object.spec as object), schedule: { every: '3s' } };
    await client.send('PUT', '/syncs/team-a/orders', { spec }, { 'if-match': `"${stored.version}"` });
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.getByText('What they have changed').waitFor();
    const [theirs, yours] = [dialog.locator('pre').first(), dialog.locator('pre').last()];
    await theirs.locator('.line-added').getByText('every: 3s').waitFor();
    await yours.locator('.line-added').getByText('maxRows: 2000').waitFor();
    await yours.locator('.line-removed').getByText('every: 3s').waitFor();
    const between = await client.get<SyncDetail>('/syncs/team-a/orders');
    assert.deepEqual(
      (between.object.spec as { schedule: object }).schedule,
      { every: '3s' },
      'not overwritten',
    );

    await dialog.getByRole('button', { name: 'Back to the editor' }).click();
    await yaml.getByText('maxRows: 2000').waitFor();
    await page.getByText('Somebody else has changed this').waitFor();
    await writeYaml(page, sync({ mode: 'Id', every: '3s', extra: 'batch: { maxRows: 2000 }' }));
    await page.getByText('No problem found.').waitFor();
    await page.getByRole('button', { name: 'Review' }).click();
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.getByRole('button', { name: 'Go on with mine' }).click();
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
    const { object } = await client.get<SyncDetail>('/syncs/team-a/orders');
    const { schedule, batch } = object.spec as { schedule: object; batch: { maxRows: number } };
    assert.deepEqual([schedule, batch.maxRows], [{ every: '3s' }, 2_000]);
    assertClean(watch);
    await context.close();
  });

  test('the form has the fields of the chosen systems, first the one that names their objects', async () => {
    const { client } = cluster.served;
    const named = (name: string, spec: object) => client.send('POST', '/datasources/team-a', { name, spec });
    await named('documents', { mongodb: { hosts: ['db.example'], database: 'd' } });
    await named('events', { kafka: { brokers: ['broker.example:9092'] } });
    const { page, context, watch } = await openPage(browser, `${url}/syncs/new`);
    await logIn(page);
    await page.getByLabel('Namespace', { exact: true }).fill('team-a');
    const end = (name: string) => page.locator(`[data-path="spec.${name}"]`);
    const field = (path: string) => page.locator(`[data-path="spec.${path}"]`);
    await field('source.table').waitFor();
    await field('source.dataSource').locator('select').selectOption('documents');
    await field('source.collection').waitFor();
    await field('destination.dataSource').locator('select').selectOption('events');
    await field('destination.topic').waitFor();
    const shown = async (name: string) =>
      await end(name).locator(':scope > .form-fields > .field > label').allTextContents();
    assert.deepEqual((await shown('source')).slice(0, 2), ['dataSource (required)', 'collection']);
    assert.deepEqual(await shown('destination'), ['dataSource (required)', 'topic']);
    for (const path of ['source.table', 'source.topic', 'destination.table', 'destination.collection'])
      assert.equal(await field(path).count(), 0, path);
    await field('source.dataSource').locator('select').selectOption('shop');
    await field('source.table').waitFor();
    assert.equal(await field('source.collection').count(), 0);
    page.once('dialog', (dialog) => void dialog.accept());
    assertClean(watch);
    await context.close();
  });

  test('many tables at once: one Sync for each by a template, each created or refused with the reason', async () => {
    const { client } = cluster.served;
    const { page, context, watch } = await openPage(browser, `${url}/data-sources/team-a/shop`);
    await logIn(page);
    const tables = await found(page);
    await tables.getByLabel('Choose notes').check();
    await page.getByRole('button', { name: 'Choose all 4 that are shown' }).click();
    await page.getByRole('button', { name: 'Make Syncs' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: 'Syncs for 4 tables' }).waitFor();
    const create = dialog.getByRole('button', { name: /^Create \d/ });
    assert.equal(await create.getAttribute('aria-disabled'), 'true', 'no destination yet');
    await dialog.getByLabel('Destination', { exact: true }).selectOption('warehouse');
    const mode = dialog.getByLabel('Mode', { exact: true });
    const modes = await mode.locator('option').allTextContents();
    assert.ok(modes.includes('Timestamp') && !modes.includes('Stream'), 'those that the system has');
    await mode.selectOption('Id');
    const row = (name: string) =>
      dialog.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
    await row('Order Items').getByText('order-items').waitFor();
    await row('orders').getByText('exists already').waitFor();
    await row('notes').getByText('idField').waitFor();
    await dialog.getByText('2 can be created.').waitFor();
    await dialog.getByRole('button', { name: 'Plan each' }).click();
    await row('invoices').getByText('Plan: about 2 rows wait').waitFor();
    await row('notes').getByText('Plan:').waitFor();
    assert.equal((await client.get<SyncList>('/syncs')).total, 1, 'nothing is created by looking');

    await dialog.getByLabel('Names of the Syncs').fill('copy-{schema}-{table}');
    await row('invoices').getByText('Plan:').waitFor({ state: 'detached' });
    await dialog.getByLabel('Names at the destination').fill('copied_{table}');
    await dialog.getByText('3 can be created.').waitFor();
    await create.click();
    await dialog.getByText('Created: 3. Refused: 1.').waitFor();
    await row('notes').getByText('idField').waitFor();
    await dialog.getByRole('link', { name: 'copy-invoices' }).click();
    await page.getByRole('heading', { name: 'copy-invoices' }).waitFor();
    await page.getByText('written 2').waitFor();
    const names = (await client.get<SyncList>('/syncs?sort=name')).items.map(({ name }) => name);
    assert.deepEqual(names, ['copy-invoices', 'copy-order-items', 'copy-orders', 'orders']);
    const count = (table: string) =>
      cluster.folder.query('team-a/warehouse.db', `SELECT count(*) FROM "${table}"`)[0]?.[0];
    await until(() => count('copied_invoices') === 2 && count('copied_Order Items') === 1, {
      what: 'the rows',
    });
    assertClean(watch);
    await context.close();
  });
});

const sync = ({
  mode,
  every = '1s',
  extra,
}: {
  mode: string;
  every?: string;
  extra: string;
}) => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: orders, namespace: team-a }
spec:
  source: { dataSource: shop, table: orders, idField: id }
  destination: { dataSource: warehouse, table: orders }
  mode: ${mode}
  schedule: { every: ${every} }
  ${extra}
`;
