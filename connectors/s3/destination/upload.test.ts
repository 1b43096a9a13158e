import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Row } from '../../../core/values.ts';
import { faultProxy } from '../../../e2e/kit/proxy.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf, twoColumns } from '../test-harness.ts';

let bucket: TestBucket;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

const plan = planFor(twoColumns, null);
const rowKeys = async (prefix: string) =>
  (await bucket.keys(prefix)).filter((key) => !key.includes('/_idra/'));
const manifestOf = async (prefix: string) =>
  (await bucket.json(`${prefix}_idra/uid-1.json`)) as { objects: { key: string }[]; rows: number };

/** Writes rows while the answer to one request is lost although the server has done what it asked for, so that the driver asks again. */
async function writeWithout(
  prefix: string,
  rows: readonly Row[],
  isRequest: (data: Buffer) => boolean,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const { hostname, port } = new URL(bucket.server.endpoint);
  const proxy = await faultProxy(hostname, Number(port));
  const config = { ...bucket.access.config, endpoint: `http://${proxy.host}:${proxy.port}` };
  const destination = await connector.openDestination({ ...bucket.access, config }, targetOf(prefix), signal);
  await claimWith(destination, plan);
  let lost: number | undefined;
  proxy.onClientData((data, connection) => {
    if (isRequest(data)) lost ??= connection;
    return 'forward';
  });
  proxy.onServerData((_data, connection) => (connection === lost ? 'drop' : 'forward'));
  const batch = { ...batchOf([1], 1), rows: { format: 'values', rows } } as const;
  const writing = destination.write(batch, signal);
  writing.catch(() => {});
  await until(isDone, { what: 'the request whose answer is lost is done' });
  proxy.cut();
  await writing;
  assert.notEqual(lost, undefined);
  await destination.close();
  await proxy.stop();
}

test('an upload in parts is not written again', async () => {
  const prefix = 'parts/';
  const rows: Row[] = [[1n, 'x'.repeat(20 * 2 ** 20)]];
  const isRequest = (data: Buffer) => data.includes('POST /') && data.includes('uploadId=');
  await writeWithout(prefix, rows, isRequest, async () => (await rowKeys(prefix)).length === 1);
  const { objects } = await manifestOf(prefix);
  assert.deepEqual(
    await rowKeys(prefix),
    objects.map(({ key }) => key),
  );
});

test('a commit is known by what it has written', async () => {
  const prefix = 'commit/';
  const isRequest = (data: Buffer) => data.includes(`PUT /${bucket.name}/${prefix}_idra/uid-1.json`);
  await writeWithout(prefix, [[1n, 'a']], isRequest, async () => (await manifestOf(prefix)).rows === 1);
  assert.equal((await manifestOf(prefix)).objects.length, 1);
});
