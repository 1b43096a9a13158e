import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { parse } from 'yaml';
import type { SyncDetail, SyncList } from '../api/contract/index.ts';
import { idra } from '../cli/test-cli.ts';
import { type Served, serve } from './api/serve.ts';
import { OperatorBed } from './kit/operator.ts';
import { assertClean, logIn, openPage, startBrowser } from './ui/open-page.ts';

interface Facts {
  readonly state: string;
  /** Of the condition Ready: kubectl shows no other. */
  readonly reason: string;
  readonly message: string;
  readonly lag: string;
  readonly offset: string;
}

const facts = { read: 8, written: 7, deleted: 0, rejected: 1 };
const lagging = {
  state: 'Running',
  reason: 'MovingRows',
  message: 'moving rows',
  hasCaughtUp: true,
  rows: facts,
  lagSeconds: 65,
  offset: '{"mode":"Id","id":"41000"}',
  offsetText: '41000',
} as const;
const failed = {
  state: 'Failed',
  reason: 'TableNotFound',
  message: 'there is no table public.orders',
  rows: facts,
  lagSeconds: 700,
  offset: '{"mode":"Id","id":"17"}',
  offsetText: '17',
} as const;

/** One status, computed once: kubectl, command line, API and UI, over a real API server, etcd and browser. */
describe('state, reason, message, lag and offset of a Sync are the same everywhere', () => {
  let bed: OperatorBed;
  let browser: Browser;
  let kubernetes: Served;
  before(async () => {
    browser = await startBrowser();
    bed = await OperatorBed.start();
    bed.run();
    const agent = await bed.joinAgent('a-0');
    await bed.makeNamespace('team-a');
    const reports = { lagging, failed, suspended: lagging };
    for (const [name, status] of Object.entries(reports)) {
      const made = await bed.makeSync('team-a', name);
      await bed.inEtcd(made);
      await agent.report(made.metadata.uid, status);
      await bed.shown('team-a', name, status.state, (object) => object.status?.state === status.state);
    }
    await bed.annotate('team-a', 'suspended', { 'idra.dev/suspend': 'true' });
    // Nobody has ever run it.
    await bed.makeSync('team-a', 'new');
    for (const [name, state] of [
      ['suspended', 'Suspended'],
      ['new', 'Pending'],
    ] as const)
      await bed.shown('team-a', name, state, ({ status }) => status?.state === state);
    kubernetes = await serve(['--kubeconfig', bed.api.kubeconfigPath], env());
  });
  after(async () => {
    await kubernetes?.running.stop();
    await browser?.close();
    await bed?.stop();
  });

  const env = () => ({
    IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','),
    IDRA_ETCD_PREFIX: bed.store.prefix,
  });
  const kubectl = (name: string, output: string) =>
    bed.kubectl('get', 'sync', name, '-n', 'team-a', '-o', output);
  const cli = async (name: string, output: string) =>
    (await idra(['get', 'syncs', name, '-n', 'team-a', '-o', output], env())).out;

  for (const name of ['lagging', 'failed', 'suspended', 'new'])
    test(name, async () => {
      const wanted = factsOf((JSON.parse(await kubectl(name, 'json')) as HasStatus).status);
      assert.ok(wanted.state !== '' && wanted.reason !== '' && wanted.message !== '', JSON.stringify(wanted));
      if (name === 'lagging')
        assert.deepEqual(wanted, {
          state: 'Running',
          reason: 'HasCaughtUp',
          message: 'moving rows',
          lag: '65s',
          offset: '41000',
        });
      if (name === 'failed') assert.equal(wanted.reason, 'TableNotFound');
      const [byCli] = (JSON.parse(await cli(name, 'json')) as { items: HasStatus[] }).items;
      assert.deepEqual(factsOf(byCli?.status), wanted, 'idra get -o json');
      for (const [tool, out] of [
        ['kubectl', await kubectl(name, 'wide')],
        ['idra', await cli(name, 'wide')],
      ] as const)
        for (const field of ['state', 'lag', 'offset', 'message'] as const)
          assert.equal(cellOf(out, field.toUpperCase()), wanted[field], `${tool}: ${field}`);
      const detail = await kubernetes.client.get<SyncDetail>(`/syncs/team-a/${name}`);
      assert.deepEqual(factsOf(detail.object.status), wanted, 'GET /syncs/NAMESPACE/NAME');
      const list = await kubernetes.client.get<SyncList>(`/syncs?q=${name}`);
      const row = list.items.find((each) => each.name === name);
      const { offset: _notInLists, ...inLists } = wanted;
      assert.deepEqual(
        { state: row?.state, reason: row?.reason, message: row?.message, lag: row?.lag },
        inLists,
        'GET /syncs',
      );
    });

  test('in the browser: the list, the page of a Sync and its YAML', async () => {
    const { page, context, watch } = await openPage(browser, `${kubernetes.client.url}/syncs`);
    await logIn(page);
    for (const name of ['lagging', 'failed', 'suspended', 'new']) {
      const wanted = factsOf((JSON.parse(await kubectl(name, 'json')) as HasStatus).status);
      await page.goto(`${kubernetes.client.url}/syncs`);
      const row = page.getByRole('row').filter({ hasText: `team-a/${name}` });
      for (const text of [wanted.state, wanted.lag, wanted.message])
        if (text !== '') await row.getByText(text).first().waitFor();
      await page.goto(`${kubernetes.client.url}/syncs/team-a/${name}`);
      await page.getByRole('heading', { name, exact: true }).waitFor();
      const head = page.locator('.page-title');
      await head.getByText(wanted.state).first().waitFor();
      assert.equal(await head.getByText(`lag ${wanted.lag}`).count(), wanted.lag === '' ? 0 : 1, name);
      await page.getByRole('main').getByText(wanted.message).first().waitFor();
      if (wanted.offset !== '') await page.getByRole('main').getByText(wanted.offset).first().waitFor();
      await page.goto(`${kubernetes.client.url}/syncs/team-a/${name}?tab=yaml`);
      assert.deepEqual(factsOf(await statusInYaml(page)), wanted, `the YAML of ${name}`);
    }
    assertClean(watch);
    await context.close();
  });
});

interface HasStatus {
  readonly status?: unknown;
}

function factsOf(status: unknown): Facts {
  const { conditions = [], ...shown } = (status ?? {}) as Partial<Facts> & {
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
  };
  const { state = '', message = '', lag = '', offset = '' } = shown;
  const reason = conditions.find(({ type }) => type === 'Ready')?.reason ?? '';
  return { state, reason, message, lag, offset };
}

/** A cell of a table with one row, by its heading. */
function cellOf(table: string, heading: string): string {
  const [heads = '', row = ''] = table.split('\n');
  // A heading of two words has one space in it, and two headings have more between them.
  const starts = [...heads.matchAll(/\S+(?: \S+)*/g)].map((each) => ({ text: each[0], at: each.index }));
  const index = starts.findIndex(({ text }) => text === heading);
  assert.ok(index >= 0, `${heading} in ${heads}`);
  return row.slice(starts[index]?.at, starts[index + 1]?.at).trim();
}

async function statusInYaml(page: Page): Promise<unknown> {
  const shown = page.locator('section').filter({ hasText: 'Status' }).locator('pre.yaml').last();
  await shown.getByText('state:').first().waitFor();
  return parse((await shown.textContent()) ?? '');
}
