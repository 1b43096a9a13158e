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
