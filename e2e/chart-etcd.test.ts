import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enforcesRoles } from '../coordination/etcd/versions.ts';
import { chart, podOf, podsOf, renderChart } from './kit/chart.ts';
import { runOrFail } from './kit/processes.ts';
import { findHelm } from './kit/servers/helm.ts';

/** Each pod with the Secrets that its containers mount: `etcd/roles: idra-etcd-root`. */
async function mountedSecrets(...args: readonly string[]): Promise<string[]> {
  return (await renderChart(...args)).flatMap((object) =>
    (podOf(object)?.containers ?? []).flatMap((container) =>
      (podOf(object)?.volumes ?? [])
        .filter(({ name }) => container.volumeMounts?.some((mount) => mount.name === name))
        .flatMap(({ secret }) =>
          secret ? [`${object.metadata.name}/${container.name}: ${secret.secretName}`] : [],
        ),
    ),
  );
}

test('each component has its own certificate and no other; nothing mounts the key of the authority', async () => {
  assert.deepEqual((await mountedSecrets()).sort(), [
    'idra-agent/agent: idra-etcd-agent',
    'idra-api/api: idra-api-first-password',
    'idra-api/api: idra-etcd-api',
    'idra-etcd/etcd: idra-etcd-server',
    'idra-etcd/roles: idra-etcd-root',
    'idra-operator/operator: idra-etcd-operator',
  ]);
});

test('an external etcd may have a certificate for each role', async () => {
  const external = '--set=etcd.external.endpoints={https://one:2379}';
  const shared = '--set=etcd.external.tlsSecret=etcd-client';
  assert.deepEqual((await mountedSecrets(external, shared)).sort(), [
    'idra-agent/agent: etcd-client',
    'idra-api/api: etcd-client',
    'idra-api/api: idra-api-first-password',
    'idra-operator/operator: etcd-client',
  ]);
  assert.deepEqual(
    (await mountedSecrets(external, shared, '--set=etcd.external.agent.tlsSecret=etcd-agent')).sort(),
    [
      'idra-agent/agent: etcd-agent',
      'idra-api/api: etcd-client',
      'idra-api/api: idra-api-first-password',
      'idra-operator/operator: etcd-client',
    ],
  );
  const rendered = await renderChart(external);
  assert.ok(
    !rendered.some(({ metadata }) => metadata.name.includes('etcd')),
    'nobody to make certificates for',
  );
});

test('etcd refuses clients without a certificate, and serves only its health without TLS', async () => {
  const etcd = podsOf(await renderChart())
    .flatMap(({ containers }) => containers)
    .find(({ name }) => name === 'etcd');
  const args = new Set(etcd?.args);
  for (const wanted of [
    '--client-cert-auth',
    '--listen-client-urls=https://0.0.0.0:2379',
    '--listen-peer-urls=http://localhost:2380',
    '--enable-grpc-gateway=false',
  ])
    assert.ok(args.has(wanted), wanted);
  const plain = [...args].filter((each) => each.includes('http://'));
  assert.deepEqual(plain, [
    '--listen-peer-urls=http://localhost:2380',
    '--listen-metrics-urls=http://0.0.0.0:2381',
  ]);
});

test('the release of etcd enforces the roles of users', async () => {
  const images = podsOf(await renderChart()).flatMap(({ containers }) =>
    containers.map(({ image }) => image),
  );
  const [, version = ''] = /etcd:v(\S+)/.exec(images.join('\n')) ?? [];
  assert.ok(enforcesRoles(version), version);
});

test('certificates are created before etcd starts, and only by their own accounts', async () => {
  const rendered = await renderChart();
  const hooks = rendered.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook']);
  assert.deepEqual(hooks.map(({ kind }) => kind).sort(), ['Job', 'Role', 'RoleBinding', 'ServiceAccount']);
  for (const { metadata } of hooks)
    assert.equal(metadata.annotations?.['helm.sh/hook'], 'pre-install,pre-upgrade');
  const roles = rendered.filter(({ kind, metadata }) => kind === 'Role' && metadata.name.includes('certs'));
  assert.equal(roles.length, 2);
  for (const { rules } of roles) {
    assert.deepEqual(rules, [
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['ca', 'server', 'root', 'operator', 'agent', 'api'].map(
          (name) => `idra-etcd-${name}`,
        ),
        verbs: ['get', 'patch'],
      },
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    ]);
  }
});

test('rendered twice the chart is the same, and has no certificate in it', async () => {
  const render = async () => {
    const text = await runOrFail(await findHelm(), ['template', 'idra', chart, '-n', 'idra-system']);
    // Without a cluster the chart does not know the first password that it made there.
    return text.replace(/^( {2}password: )\S+$/m, '$1random');
  };
  const [one, other] = [await render(), await render()];
  assert.equal(one, other);
  assert.doesNotMatch(one, /BEGIN/);
  assert.equal(one.split('kind: Secret\n').length - 1, 1, 'only the first password of the API server');
});

test('names stay within the limits of Kubernetes, however long the name of the release is', async () => {
  const long = 'a'.repeat(53);
  const text = await runOrFail(await findHelm(), ['template', long, chart, '--set=crds.install=false']);
  const most: Record<string, number> = { CronJob: 52, Job: 63, Service: 63 };
  for (const [, kind = '', name = ''] of text.matchAll(/^kind: (\w+)\nmetadata:\n {2}name: (\S+)/gm))
    assert.ok(name.length <= (most[kind] ?? 253), `${kind} ${name}`);
});

test('operator, agents and etcd are scheduled as their values define, and may be evicted one at a time', async () => {
  const values = ['operator', 'agents', 'etcd', 'api'].flatMap((role) => [
    `--set=${role}.nodeSelector.for=${role}`,
    `--set=${role}.tolerations[0].key=${role}`,
    `--set=${role}.affinity.podAntiAffinity.of=${role}`,
  ]);
  const rendered = await renderChart(...values);
  const places = new Map(
    rendered.flatMap((object) => {
      const { nodeSelector, tolerations, affinity } = podOf(object) ?? {};
      return podOf(object) ? [[object.metadata.name, { nodeSelector, tolerations, affinity }]] : [];
    }),
  );
  assert.deepEqual([...places.keys()].sort(), [
    'idra-agent',
    'idra-api',
    'idra-etcd',
    'idra-etcd-certs',
    'idra-etcd-certs-setup',
    'idra-operator',
  ]);
  for (const [name, place] of places) {
    const role = { 'idra-agent': 'agents', 'idra-api': 'api', 'idra-operator': 'operator' }[name] ?? 'etcd';
    assert.deepEqual(place, {
      nodeSelector: { for: role },
      tolerations: [{ key: role }],
      affinity: { podAntiAffinity: { of: role } },
    });
  }
  const named = (kind: string) =>
    rendered.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name);
  assert.deepEqual(named('PodDisruptionBudget').sort(), ['idra-agent', 'idra-operator']);
  assert.deepEqual(named('Service').sort(), ['idra-agent', 'idra-api', 'idra-etcd', 'idra-operator']);
});
