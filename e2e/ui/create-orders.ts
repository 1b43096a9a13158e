import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { ShopCluster } from './shop-cluster.ts';

/** From the review of the Sync `orders` to its page, and its three rows at the destination. */
export async function createOrders(page: Page, { folder }: ShopCluster): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
  await page.getByText('written 3').waitFor();
  assert.equal(folder.query('team-a/warehouse.db', 'SELECT count(*) FROM orders')[0]?.[0], 3);
}
