import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { SyncDetail } from '../api/contract/index.ts';
import { firstPassword, TestClient, userPassword } from '../api/test-api.ts';
import { until } from './kit/wait.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';
import { ShopCluster } from './ui/shop-cluster.ts';

describe('the page of agents', () => {
  let browser: Browser;
  let cluster: ShopCluster;
  before(async () => {
    browser = await startBrowser();
    cluster = await ShopCluster.start();
    await cluster.makeDataSources();
    await cluster.agent('a-1');
    for (const name of ['one', 'two'])
      await cluster.served.client.send('POST', '/syncs/team-a', {
        name,
        spec: {
          source: { dataSource: 'shop', table: 'orders', idField: 'id' },
          destination: { dataSource: 'warehouse', table: name },
          mode: 'Id',
        },
      });
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  test('a drain shows what would move, then moves it while one looks; uncordon brings it back; rebalance says what it did', async () => {
    const { page, context, watch } = await openPage(browser, `${cluster.url}/agents`);
    await logIn(page);
    await page.getByRole('button', { name: '1 Syncs of a-1' }).click();
    await page.getByRole('button', { name: 'Drain' }).click();
    const dialog = page.getByRole('dialog', { name: 'Drain a-1' });
    await dialog.getByText('Syncs that move: 1.').waitFor();
    await dialog.getByRole('row').filter({ hasText: 'a-1' }).filter({ hasText: 'a-0' }).waitFor();
    await dialog.getByRole('button', { name: 'Drain' }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('row').filter({ hasText: 'a-1' }).first();
    await row.getByText('Drained').waitFor();
    await page.getByRole('button', { name: '0 Syncs of a-1' }).waitFor();
    await page.getByText('by admin').waitFor();
    await page.getByRole('button', { name: 'Uncordon' }).click();
    const back = page.getByRole('dialog', { name: 'Uncordon a-1' });
    await back.getByText('Syncs that move: 1.').waitFor();
    await back.getByRole('button', { name: 'Uncordon' }).click();
    await page.getByRole('button', { name: '1 Syncs of a-1' }).waitFor();
    await page.getByRole('button', { name: 'Rebalance' }).click();
    const even = page.getByRole('dialog', { name: 'Rebalance' });
    await even.getByText('Syncs that move: 0.').waitFor();
    await even.getByRole('button', { name: 'Rebalance' }).click();
    await page.getByText('Syncs moved: 0.').waitFor();
    assertClean(watch);
    await context.close();
  });

  test('who is not administrator of all namespaces is told so', async () => {
    const grants = [{ role: 'editor', namespaces: ['*'] }];
    await cluster.served.client.send('POST', '/users', { name: 'eve', password: firstPassword, grants });
    const eve = new TestClient(cluster.url);
    await eve.login('eve', firstPassword);
    await eve.send('PUT', '/session/password', { current: firstPassword, password: userPassword });
    const { page, context, watch } = await openPage(browser, `${cluster.url}/agents`);
    await logIn(page, 'eve', userPassword);
    const button = page.getByRole('button', { name: 'Rebalance' });
    await button.waitFor();
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    await page
      .getByText('This needs the role admin for all namespaces')
      .first()
      .waitFor({ state: 'attached' });
    assertClean(watch);
    await context.close();
  });

  test('an agent is killed under the page of a Sync: it says who has taken over and why, without being loaded again', async () => {
    const { client } = cluster.served;
    const lock = async () => {
      const found = (await client.get<SyncDetail>('/syncs/team-a/one')).lock;
      return found?.token !== undefined && { agent: found.agent, token: found.token };
    };
    const { agent: killed, token } = await until(lock, { what: 'the lock' });
    const other = killed === 'a-0' ? 'a-1' : 'a-0';
    const { page, context, watch } = await openPage(browser, `${cluster.url}/syncs/team-a/one`);
    await logIn(page);
    const fact = (name: string) =>
      page
        .locator('.facts > div')
        .filter({ has: page.getByText(name, { exact: true }) })
        .locator('dd');
    await fact('Fencing token').getByText(`held by ${killed}`).waitFor();
    await fact('Fencing token').getByText(token, { exact: true }).waitFor();
    await page.evaluate("document.body.dataset.loaded = 'once'");
    cluster.cluster.agents.get(killed)?.kill('SIGKILL');
    await fact('Last hand-over').getByText(`moved from ${killed} to ${other}: ${killed} is gone`).waitFor();
    await fact('Fencing token').getByText(`held by ${other}`).waitFor();
    await fact('Agent').getByText(other).waitFor();
    const now = await until(lock, { what: 'the lock of the next owner' });
    assert.equal(now.agent, other);
    assert.notEqual(now.token, token);
    await fact('Fencing token').getByText(now.token, { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByText(`moved from ${killed} to ${other}: ${killed} is gone`).waitFor();
    assert.equal(await page.evaluate('document.body.dataset.loaded'), 'once', 'it was not loaded again');
    assertClean(watch);
    await context.close();
  });
});
