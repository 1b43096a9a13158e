import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { adminPassword } from '../api/test-api.ts';
import { uiFolder } from '../api/ui/files.ts';
import { type RunningProcess, startIdra } from './kit/processes.ts';
import { byId, ends, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

/** The web UI in a real browser, over single mode: the first login, and what can be seen and done there. */
describe('the web UI over single mode', () => {
  let browser: Browser;
  let folder: ShopFolder;
  let running: RunningProcess;
  let url: string;
  before(async () => {
    browser = await startBrowser();
    folder = await ShopFolder.make();
    folder.execute('shop.db', shop);
    await folder.manifests(ends + sync({ ...byId, schedule: { every: '1s' } }));
    const args = ['api', '--port', '0', '-f', 'shop.yaml', '--state', join(folder.path, 'state.db')];
    running = await startIdra(args, { cwd: folder.path });
    url = (await running.waitForLine(/^http:\/\//)).trim();
  });
  after(async () => {
    await browser?.close();
    await running?.stop();
    await folder?.remove();
  });

  test('the scripts of a first page have at most 200 kB, compressed', () => {
    const page = readFileSync(join(uiFolder, 'index.html'), 'utf8');
    const scripts = [...page.matchAll(/assets\/([\w.-]+\.js)/g)].map(([, name]) => name ?? '');
    assert.ok(scripts.length > 0);
    const sizes = scripts.map((name) => statSync(join(uiFolder, 'assets', `${name}.gz`)).size);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(total <= 200_000, `${total} bytes`);
  });

  test('the first login: a wrong password is refused, then a new one must be set', async () => {
    const { page, context, watch } = await openPage(browser, url);
    await page.getByText('log in as admin with the password admin').waitFor();
    await page.getByLabel('User', { exact: true }).fill('admin');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').getByText('LoginFailed').waitFor();
    assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'admin');
    await page.getByLabel('Password', { exact: true }).fill('admin');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Present password').fill('admin');
    await page.getByLabel('New password', { exact: true }).fill('password1234');
    await page.getByLabel('New password again').fill('password1234');
    await page.getByRole('button', { name: 'Set password' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('New password', { exact: true }).fill(adminPassword);
    await page.getByLabel('New password again').fill(adminPassword);
    await page.getByRole('button', { name: 'Set password' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Agents' }).count(), 0, 'single mode has none');
    assertClean(watch);
    await context.close();
  });

  test('the list and a Sync are live; what files define cannot be changed here, and the button says so', async () => {
    const { page, context, watch } = await openPage(browser, `${url}/syncs`);
    await logIn(page);
    const row = page.getByRole('row').filter({ hasText: 'orders' });
    await row.getByText('Waiting', { exact: true }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('state:failed');
    await page.getByText('Nothing matches').waitFor();
    assert.match(page.url(), /q=state/);
    await page.getByRole('button', { name: 'Clear search and filters' }).click();
    await row.getByRole('link').click();
    await page.getByText('written 3').waitFor();
    folder.execute('shop.db', "INSERT INTO orders (v, at) VALUES ('d', '2026-01-03 08:00:00')");
    await page.getByText('written 4').waitFor();
    const suspend = page.getByRole('button', { name: 'Suspend' });
    assert.equal(await suspend.getAttribute('aria-disabled'), 'true');
    assert.match((await suspend.locator('..').textContent()) ?? '', /definitions are in files/);
    await page.getByRole('button', { name: 'Run now' }).click();
    await page.getByRole('status').filter({ hasText: /pass/ }).first().waitFor();
    await page.getByRole('tab', { name: 'YAML' }).click();
    await page.getByText('idField: id').waitFor();
    assertClean(watch);
    await context.close();
  });

  test('a page that the server does not have any more, after an upgrade, says so; the others are still there', async () => {
    const { page, context } = await openPage(browser, `${url}/syncs`);
    await logIn(page);
    await page.getByRole('row').filter({ hasText: 'orders' }).waitFor();
    await page.route(/assets\/data-sources-/, (route) => route.fulfill({ status: 404 }));
    await page.getByRole('link', { name: 'Data sources' }).click();
    await page.getByRole('alert').getByText('reload the page').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.unroute(/assets\/data-sources-/);
    await page.getByRole('link', { name: 'Data sources' }).click();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'Data sources' }).waitFor();
    await context.close();
  });
});
