import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { IdraError } from '../core/errors.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';

let bed: OperatorBed;
before(async () => {
  bed = await OperatorBed.start(undefined, { members: 1, quotaBytes: 2 << 20 });
});
after(async () => {
  await bed.stop();
});

test('a namespace is deleted although etcd is full', async () => {
  bed.run();
  await bed.makeNamespace('ends');
  const made = await bed.makeSync('ends', 'orders');
  await bed.inEtcd(made);
  await bed.untilFinalized('ends', 'shop');
  const spec = { text: 'x'.repeat(50_000) };
  const filler = { namespace: 'other', generation: 1, createdAt: '', spec };
  const fill = async () => {
    for (let index = 0; index < 200; index++)
      await bed.coordination.desired.putSync({ ...filler, uid: `f${index}`, name: `f${index}` }, '');
  };
  await assert.rejects(fill(), (error: IdraError) => error.code === 'EtcdUnavailable');
  await bed.kubectl('delete', 'namespace', 'ends', '--wait=false');
  await bed.kubectl('delete', 'syncs,datasources', '--all', '-n', 'ends', '--wait=false');
  await until(() => bed.isGone('ends', 'orders'), { what: 'it to be gone' });
});
