import { join } from 'node:path';
import { test } from 'node:test';
import { TestPrometheus } from '../api/test-prometheus.ts';
import { serve } from './api/serve.ts';
import { byId, ends, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

test('charts are those of Prometheus; when it is gone, the page says so in their place', async () => {
  const browser = await startBrowser();
  const folder = await ShopFolder.make();
  const prometheus = await TestPrometheus.start();
  prometheus.answers = { idra_rows_written_total: 4321, idra_lag_seconds: 7 };
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync({ ...byId, schedule: { every: '10s' } }));
  const env = { IDRA_PROMETHEUS_URL: prometheus.url };
  const args = ['-f', 'shop.yaml', '--state', join(folder.path, 'state.db')];
  const served = await serve(args, env, folder.path);
  try {
    const { page, context, watch } = await openPage(browser, `${served.client.url}/syncs/default/orders`);
    await logIn(page);
    await page.getByText('As a table').click();
    await page
      .getByRole('cell', { name: /^4[.,]3/ })
      .first()
      .waitFor();
    await prometheus.stop();
    await page.reload();
    await page.getByText('PrometheusUnavailable').waitFor();
    await page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
    assertClean(watch);
    await context.close();
  } finally {
    await served.running.stop();
    await browser.close();
    await folder.remove();
  }
});
