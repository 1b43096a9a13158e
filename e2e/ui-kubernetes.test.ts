import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { SyncDetail } from '../api/contract/index.ts';
import { type Served, serve } from './api/serve.ts';
import { OperatorBed } from './kit/operator.ts';
import { until } from './kit/wait.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

const password = 'an unusual word for a database';

/** What only an installation on Kubernetes has. */
describe('the web UI over Kubernetes', () => {
  let browser: Browser;
  let bed: OperatorBed;
  let served: Served;
  before(async () => {
    browser = await startBrowser();
    bed = await OperatorBed.start();
    await bed.makeNamespace('team-a');
    const env = {
      IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','),
      IDRA_ETCD_PREFIX: bed.store.prefix,
    };
    served = await serve(['--kubeconfig', bed.api.kubeconfigPath], env);
  });
  after(async () => {
    await browser?.close();
    await served?.running.stop();
    await bed?.stop();
  });

  const secretOf = async (name: string) =>
    JSON.parse(await bed.kubectl('get', 'secret', name, '-n', 'team-a', '-o', 'json')) as {
      readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
      readonly data: Readonly<Record<string, string>>;
    };
  const decoded = (text = '') => Buffer.from(text, 'base64').toString();

  test('a missing Secret is made in the editor of a data source; its value is nowhere else, and a foreign one is not touched', async () => {
    await bed.kubectl(
      'create',
      'secret',
      'generic',
      'foreign',
      '-n',
      'team-a',
      '--from-literal=password=theirs',
    );
    const { page, context, watch } = await openPage(browser, `${served.client.url}/data-sources/new`);
    await logIn(page);
    await page.getByLabel('System').selectOption('postgres');
    await page.getByLabel('Name', { exact: true }).fill('crm');
    await page.getByLabel('Namespace', { exact: true }).fill('team-a');
    for (const [field, value] of [
      ['host', 'db.example'],
      ['database', 'crm'],
      ['user', 'idra'],
    ] as const)
      await page.locator(`[data-path="spec.postgres.${field}"] input`).fill(value);
    const reference = page.locator('[data-path="spec.postgres.passwordSecretRef"]');
    await reference.getByRole('button', { name: 'Make this Secret' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a Secret in team-a' });
    assert.equal(await dialog.getByLabel('Name of the Secret').inputValue(), 'crm-credentials');
    assert.equal(await dialog.getByLabel('Key').inputValue(), 'password');
    assert.equal(await dialog.getByLabel('Value').getAttribute('type'), 'password');
    await dialog.getByLabel('Name of the Secret').fill('foreign');
    await dialog.getByLabel('Value').fill(password);
    await dialog.getByRole('button', { name: 'Store' }).click();
    await dialog.getByRole('alert').getByText('SecretNotOurs').waitFor();
    assert.equal(decoded((await secretOf('foreign')).data.password), 'theirs');
    await dialog.getByLabel('Name of the Secret').fill('crm-credentials');
    await dialog.getByRole('button', { name: 'Store' }).click();
    await reference.getByText('Secret crm-credentials is stored.').waitFor();
    const stored = await secretOf('crm-credentials');
    assert.equal(stored.metadata.labels?.['idra.dev/secret'], 'true');
    assert.equal(decoded(stored.data.password), password);
    await page.getByText('No problem found.').waitFor();
    await isNowhere(page);

    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('dialog').getByText('name: crm-credentials').waitFor();
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: 'crm', exact: true }).waitFor();
    const spec = JSON.parse(
      await bed.kubectl('get', 'datasource', 'crm', '-n', 'team-a', '-o', 'jsonpath={.spec.postgres}'),
    ) as { readonly passwordSecretRef: object };
    assert.deepEqual(spec.passwordSecretRef, { name: 'crm-credentials', key: 'password' });
    await page.goto(`${served.client.url}/activity?tab=changes`);
    await page.getByText('Secret team-a/crm-credentials').first().waitFor();
    await isNowhere(page);
    const audit = await served.client.call('/audit/export');
    assert.ok(!String(audit.body).includes(password), 'not in the audit log');
    assertClean(watch);
    await context.close();
  });

  test('a field that somebody else owns is not changed, and the reason names the owner', async () => {
    await until(async () => (await served.client.call('/datasources/team-a/shop')).status === 200, {
      what: 'the data source',
    });
    await bed.makeSync('team-a', 'owned');
    await bed.kubectl(
      ...['patch', 'sync', 'owned', '-n', 'team-a', '--type=merge', '--field-manager=helm'],
      ...['-p', '{"spec":{"schedule":{"every":"7s"}}}'],
    );
    await until(async () => (await served.client.call('/syncs/team-a/owned')).status === 200, {
      what: 'the Sync',
    });
    const { page, context, watch } = await openPage(browser, `${served.client.url}/syncs/team-a/owned/edit`);
    await logIn(page);
    await page.locator('[data-path="spec.schedule.every"] input').fill('8s');
    await page.getByRole('button', { name: 'spec.schedule.every' }).waitFor();
    await page.getByText('helm').first().waitFor();
    assert.match(
      await bed.kubectl('get', 'sync', 'owned', '-n', 'team-a', '-o', 'jsonpath={.spec.schedule.every}'),
      /^7s$/,
    );
    assertClean(watch);
    await context.close();
  });

  test('the timeline says who has changed a spec: a field manager, or a user of the API', async () => {
    const made = {
      source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
      destination: { dataSource: 'warehouse', table: 'sales.orders' },
      mode: 'Id',
    };
    await served.client.send('POST', '/syncs/team-a', { name: 'told', spec: made });
    await until(async () => (await served.client.call('/syncs/team-a/told')).status === 200, {
      what: 'the Sync',
    });
    const { page, context, watch } = await openPage(
      browser,
      `${served.client.url}/syncs/team-a/told?tab=timeline`,
    );
    await logIn(page);
    const happened = page.locator('.events');
    await happened.getByRole('listitem').filter({ hasText: 'created by admin' }).waitFor();
    await bed.kubectl(
      ...['patch', 'sync', 'told', '-n', 'team-a', '--type=merge', '--field-manager=helm'],
      ...['-p', '{"spec":{"schedule":{"every":"7s"}}}'],
    );
    const lines = happened.getByRole('listitem').filter({ hasText: 'the spec has changed' });
    await lines.filter({ hasText: 'by helm (field manager of Kubernetes)' }).waitFor();
    const { object, version } = await served.client.get<SyncDetail>('/syncs/team-a/told');
    const spec = { ...(object.spec as object), batch: { maxRows: 1_234 } };
    await served.client.send('PUT', '/syncs/team-a/told', { spec }, { 'if-match': `"${version}"` });
    await lines.filter({ hasText: 'by admin' }).waitFor();
    assertClean(watch);
    await context.close();
  });
});

/** Neither in what is shown, nor in a field, nor stored by the page. */
async function isNowhere(page: Page): Promise<void> {
  const all = (await page.evaluate(
    `document.documentElement.outerHTML + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) +
       [...document.querySelectorAll('input, textarea')].map(({ value }) => value).join()`,
  )) as string;
  assert.ok(!all.includes(password));
}
