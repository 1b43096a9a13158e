import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rulesOfChart } from '../e2e/kit/chart.ts';
import { type KillOrder, killedAt } from '../e2e/kit/kill-hook.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { type RunningProcess, startIdra } from '../e2e/kit/processes.ts';
import { faultProxy } from '../e2e/kit/proxy.ts';
import type { ServiceAccount } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { type SyncObject, syncs } from './controllers/objects.ts';
import { leases } from './runtime/leader-election.ts';
import type { KubernetesObject } from './runtime/objects.ts';

describe('the operator as a process', () => {
  let bed: OperatorBed;
  let account: ServiceAccount;
  before(async () => {
    bed = await OperatorBed.start();
    account = await bed.api.serviceAccount('idra', 'operator');
    await bed.api.apply(JSON.stringify(await rights(account)));
  });
  after(async () => {
    await bed.stop();
  });

  const start = (name: string, more: Readonly<Record<string, string>> = {}) =>
    startIdra(['operator'], {
      name,
      env: {
        KUBECONFIG: account.kubeconfigPath,
        IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','),
        IDRA_ETCD_PREFIX: bed.store.prefix,
        IDRA_OPERATOR_NAME: name,
        IDRA_OPERATOR_NAMESPACE: 'idra',
        IDRA_HEALTH_PORT: '0',
        IDRA_LOG_FORMAT: 'json',
        ...more,
      },
    });
  const holder = async (namespace = 'idra') => {
    const lease = await bed.client.get<KubernetesObject & { spec: { holderIdentity: string } }>(leases, {
      namespace,
      name: 'idra-operator',
    });
    return lease.spec.holderIdentity.split('_')[0];
  };
  const get = async (process: RunningProcess, path: string) => {
    const line = await process.waitForLine('operator started');
    const { healthPort } = JSON.parse(line) as { healthPort: number };
    const answer = await fetch(`http://127.0.0.1:${healthPort}${path}`);
    return { status: answer.status, text: await answer.text() };
  };

  test('with the rights of the chart it works, is ready, and releases its lease at SIGTERM', async () => {
    const one = await start('one');
    await bed.makeNamespace('team-a');
    await bed.inEtcd(await bed.makeSync('team-a', 'orders'));
    await until(async () => (await get(one, '/readyz')).status === 200, { what: 'it to be ready' });
    assert.match((await get(one, '/readyz')).text, /kubernetes: ok\ncache: ok\netcd: ok/);
    assert.equal((await get(one, '/healthz')).status, 200);
    await bed.shown('team-a', 'orders', 'to have conditions', ({ status }) => status?.conditions);
    const { text } = await get(one, '/metrics');
    for (const line of ['leader 1', 'etcd_up 1', 'kubernetes_up 1', 'syncs{state="Pending"} 1']) {
      assert.ok(text.includes(`\nidra_operator_${line}\n`), line);
    }
    assert.match(text, /idra_operator_status_writes_total\{kind="Sync"\} \d/);
    assert.equal(await holder(), 'one');
    assert.deepEqual(await one.stop(), { code: 0, signal: null });
    assert.equal(await holder(), '');
    assert.deepEqual(
      one.stderr.filter((line) => /"level":"(warn|error)"/.test(line)),
      [],
    );
  });

  test('of two operators one is active; when it is killed, the other takes over', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const first = await until(() => holder(), { what: 'a leader' });
    const [leader, other] = first === 'a' ? [a, b] : [b, a];
    await until(async () => (await get(other, '/readyz')).status === 200, { what: 'the other to be ready' });
    assert.match((await get(other, '/metrics')).text, /\nidra_operator_leader 0\n/);
    const before = await bed.makeSync('team-a', 'before');
    await bed.inEtcd(before);
    leader.kill('SIGKILL');
    const after = await bed.makeSync('team-a', 'after');
    await until(() => bed.stored(after), { what: 'the other to act' });
    assert.equal(await holder(), other.name);
    await other.stop();
  });

  const orders: readonly KillOrder[] = (['operator:before-write', 'operator:after-write'] as const).flatMap(
    (at) => [1, 4].map((count) => ({ at, count })),
  );

  test('killed at any of its writes and restarted, the result is the same', async () => {
    for (const order of orders) {
      const namespace = `${order.at.replace(':', '-')}-${order.count}`;
      const env = { IDRA_WATCH_NAMESPACES: namespace };
      await bed.makeNamespace(namespace);
      const made: SyncObject[] = [];
      for (const name of ['a', 'b', 'c']) made.push(await bed.makeSync(namespace, name));
      // It has been seen before, so the annotation is a request.
      await bed.client.patchStatus(syncs, { namespace, name: 'a' }, { state: 'Pending' });
      await bed.annotate(namespace, 'a', { 'idra.dev/run-now': '1' });
      const killed = await start('killed', {
        ...env,
        ...killedAt(order),
      });
      assert.deepEqual(await killed.waitForExit(), { code: null, signal: 'SIGKILL' }, namespace);
      // Avoids waiting for the lease of the killed process to expire.
      await bed.kubectl('delete', 'lease', 'idra-operator', '-n', 'idra', '--ignore-not-found');
      const next = await start('next', env);
      await next.waitForLine('leading', 60_000);
      for (const each of made) assert.equal((await bed.inEtcd(each)).generation, 1);
      const [a] = made;
      const pending = async () => await bed.coordination.requests.pending(a?.metadata.uid ?? '');
      await until(async () => (await pending()).length === 1, { what: `the request after ${namespace}` });
      await bed.shown(
        namespace,
        'a',
        'to remember the request',
        ({ status }) => status?.requests?.[0]?.id === '1',
      );
      assert.deepEqual(
        (await pending()).map(({ id }) => id),
        ['1'],
      );
      for (const each of ['shop', 'warehouse']) {
        assert.ok(await until(() => bed.coordination.desired.getDataSource(namespace, each), { what: each }));
      }
      await next.stop();
    }
  });

  test('it ends at SIGTERM despite an unanswered write to etcd or an open connection', async () => {
    // The second connection is never reached, so that only the open handle is left at the end.
    for (const count of [1, 1_000_000]) {
      const one = await start('hangs', killedAt({ at: 'operator:before-write', count, how: 'hang' }));
      await until(async () => (await get(one, '/readyz')).status === 200, { what: 'it to be ready' });
      if (count === 1) await one.waitForLine('hangs at operator:before-write');
      assert.deepEqual(await one.stop(20_000), { code: 0, signal: null }, String(count));
      await bed.kubectl('delete', 'lease', 'idra-operator', '-n', 'idra', '--ignore-not-found');
    }
  });

  test('it ends at SIGTERM while etcd does not answer', async () => {
    // Nothing refuses a connection if the pods of a service are gone: there is no answer at all.
    const proxy = await faultProxy('127.0.0.1', Number(new URL(bed.store.endpoints[0] ?? '').port));
    try {
      const one = await start('last', { IDRA_ETCD_ENDPOINTS: `http://127.0.0.1:${proxy.port}` });
      await until(async () => (await get(one, '/readyz')).status === 200, { what: 'it to be ready' });
      proxy.pause();
      assert.deepEqual(await one.stop(20_000), { code: 0, signal: null });
    } finally {
      await proxy.stop();
    }
  });
});

/** The rules of helm/idra/templates/rbac.yaml. */
async function rights({ user }: ServiceAccount): Promise<object> {
  const rules = [
    ...(await rulesOfChart('idra-system-idra-operator')),
    ...(await rulesOfChart('idra-operator-election')),
  ];
  const rbac = 'rbac.authorization.k8s.io';
  const named = { apiVersion: `${rbac}/v1`, metadata: { name: 'idra-operator' } };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { ...named, kind: 'ClusterRole', rules },
      {
        ...named,
        kind: 'ClusterRoleBinding',
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'idra-operator' },
        subjects: [{ kind: 'User', apiGroup: rbac, name: user }],
      },
    ],
  };
}
