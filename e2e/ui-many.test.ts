import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { singleInstallation, TestApi } from '../api/test-api.ts';
import { until } from './kit/wait.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

const count = 5_000;

/** The list of Syncs at its full size, over an API server in this process that runs none of them. */
describe('a list of 5,000 Syncs in a browser', () => {
  let browser: Browser;
  let api: TestApi;
  before(async () => {
    browser = await startBrowser();
    const syncs = Array.from({ length: count }, (_, index) => ({
      namespace: `team-${index % 7}`,
      name: `sync-${String(index).padStart(5, '0')}`,
      spec: {
        source: { dataSource: index % 3 === 0 ? 'shop' : 'crm', table: `t${index}` },
        destination: { dataSource: 'warehouse', table: `t${index}` },
        mode: 'Snapshot',
        schedule: { every: '1h' },
      },
    }));
    const { installation, close } = await singleInstallation(syncs);
    api = await TestApi.start(installation, { close });
    await api.admin();
  });
  after(async () => {
    await browser?.close();
    await api?.stop();
  });

  const rowCount = (page: Page) => page.locator('.grid-rows [role=row]').count();

  test('only the rows on screen exist, wherever it is scrolled to', async () => {
    const { page, context, watch } = await openPage(browser, `${api.api.url}/syncs?sort=name`);
    await logIn(page);
    await page.getByRole('link', { name: 'sync-00000' }).waitFor();
    await page.getByText('5,000').first().waitFor();
    const place = page.locator('.grid-place');
    for (const share of [0.25, 0.5, 0.75, 1]) {
      await place.evaluate(
        `(element => { element.scrollTop = element.scrollHeight * ${share}; })(document.querySelector('.grid-place'))`,
      );
      await until(async () => (await page.locator('.cell-awaited').count()) === 0, { what: 'the rows' });
      assert.ok((await rowCount(page)) < 60, 'windowed');
    }
    await page
      .getByRole('row')
      .filter({ hasText: /team-\d\/sync-0499\d/ })
      .first()
      .waitFor();
    assertClean(watch);
    await context.close();
  });

  test('filters, search and sort are the server’s, and the address has them', async () => {
    const { page, context, watch } = await openPage(browser, `${api.api.url}/syncs`);
    await logIn(page);
    await page.getByLabel('team-3').check();
    await page.getByText('714', { exact: true }).first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Search Syncs').fill('sync-01');
    await page.waitForURL(/q=sync-01/);
    assert.match(page.url(), /namespace=team-3/);
    await page.getByRole('button', { name: 'Name' }).click();
    await page.getByRole('button', { name: 'Name' }).click();
    await page.waitForURL(/sort=-name/);
    const first = page.locator('.grid-rows [role=row]').first();
    await until(async () => ((await first.textContent()) ?? '').includes('sync-01998'), {
      what: 'the last first',
    });
    await page.reload();
    await until(async () => ((await first.textContent()) ?? '').includes('sync-01998'), {
      what: 'the same list',
    });
    assertClean(watch);
    await context.close();
  });

  test('a view is saved by a name, chosen again, and deleted; the palette has it too', async () => {
    const { page, context, watch } = await openPage(
      browser,
      `${api.api.url}/syncs?namespace=team-3&sort=-name`,
    );
    await logIn(page);
    const views = page.getByRole('button', { name: 'Saved views' });
    await views.click();
    await page.getByLabel('Name', { exact: true }).fill('Team three');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Team three' }).waitFor();
    await page.goto(`${api.api.url}/syncs`);
    await views.click();
    const save = page.getByRole('button', { name: 'Save what is shown' });
    assert.equal(await save.getAttribute('aria-disabled'), 'true', 'nothing to save');
    await page.getByRole('link', { name: 'Team three' }).click();
    await page.waitForURL(/namespace=team-3&sort=-name/);
    await page.getByText('714', { exact: true }).first().waitFor();
    await page.goto(`${api.api.url}/`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('team thr');
    await page.getByRole('option', { name: /Team three/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/namespace=team-3&sort=-name/);
    await views.click();
    await page.getByRole('button', { name: 'Delete the view Team three' }).click();
    await page.getByText('None is saved yet.').waitFor();
    assertClean(watch);
    await context.close();
  });

  test('the lag of the last hour is a line in the row, by one request for the page; it moves nothing, and its values are a table', async () => {
    const { trends, view, clock } = api.api.services;
    const uid = view.findSync('team-0', 'sync-00000')?.uid ?? '';
    const tick = Math.floor(clock.now() / 10_000);
    const add = (minutesAgo: number, lag: number) =>
      trends.add({
        kind: 'fine',
        tick: tick - 6 * minutesAgo,
        points: new Map([[uid, { rate: 1, lag, isFailing: false }]]),
      });
    add(20, 640);
    add(10, 0);
    add(9, 0);
    const { page, context, watch } = await openPage(browser, `${api.api.url}/syncs?sort=name`);
    const asked: string[] = [];
    const mayAnswer = Promise.withResolvers<void>();
    await page.route('**/lag-trends*', async (route) => {
      asked.push(route.request().url());
      await mayAnswer.promise;
      await route.continue();
    });
    await logIn(page);
    const row = page.getByRole('row').filter({ hasText: 'sync-00000' });
    await row.getByRole('link').waitFor();
    const boxes = async () =>
      await Promise.all((await row.getByRole('cell').all()).map((cell) => cell.boundingBox()));
    const before = await boxes();
    mayAnswer.resolve();
    const line = row.getByRole('button', { name: /Lag of sync-00000 in the last hour, at worst 10m/ });
    await line.waitFor();
    assert.deepEqual(await boxes(), before);
    assert.equal(asked.length, 1);
    await line.focus();
    await page.keyboard.press('Enter');
    const values = page.getByRole('dialog').getByRole('row');
    assert.equal(await values.count(), 4, 'a head and the three minutes that are known');
    // Exact to 3.5%.
    const seconds = Number.parseInt((await values.last().getByRole('cell').last().textContent()) ?? '', 10);
    assert.ok(Math.abs(seconds - 640) < 24, `${seconds}`);
    await page.keyboard.press('Escape');
    assert.equal(await line.evaluate((button) => button.matches(':focus')), true);
    assertClean(watch);
    await context.close();
  });

  test('many are acted on at once, and each has an outcome', async () => {
    const { page, context, watch } = await openPage(browser, `${api.api.url}/syncs?q=sync-0123`);
    await logIn(page);
    await page.getByRole('row').filter({ hasText: 'sync-01230' }).getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Choose all 10 that match' }).click();
    const suspend = page.getByRole('button', { name: 'Suspend' });
    assert.equal(await suspend.getAttribute('aria-disabled'), 'true', 'single mode');
    await page.getByRole('button', { name: 'Run now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    await page.getByText('Done: 10. Refused: 0.').waitFor();
    assertClean(watch);
    await context.close();
  });
});
