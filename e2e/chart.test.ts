import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { chart, podsOf, type Rendered, renderChart as render } from './kit/chart.ts';
import { projectFolder, runCommand, runOrFail } from './kit/processes.ts';
import { findHelm } from './kit/servers/helm.ts';

/** What the chart renders from its values, without a cluster; on a cluster it is tested by `make cluster-e2e`. */
let helm: string;

before(async () => {
  helm = await findHelm();
});

test('helm lint finds nothing', async () => {
  const text = await runOrFail(helm, ['lint', '--strict', chart]);
  assert.match(text, /0 chart\(s\) failed/);
});

test('the custom resources of the chart are those of crds/', async () => {
  const inChart = (await render()).filter(({ kind }) => kind === 'CustomResourceDefinition');
  assert.deepEqual(inChart.map(({ metadata }) => metadata.name).sort(), [
    'datasources.idra.dev',
    'syncs.idra.dev',
  ]);
  for (const crd of inChart) {
    const plural = crd.metadata.name.split('.')[0];
    const plain = parse(
      readFileSync(join(projectFolder, `crds/idra.dev_${plural}.yaml`), 'utf8'),
    ) as Rendered;
    assert.deepEqual(crd.spec, plain.spec);
  }
});

test('every pod runs as nobody, without privileges, with requests and a limit', async () => {
  const pods = podsOf(await render());
  assert.equal(pods.length, 6);
  for (const { securityContext, containers } of pods) {
    assert.equal(securityContext.runAsNonRoot, true);
    for (const { securityContext: own, resources } of containers) {
      assert.deepEqual(own, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      assert.ok(resources.requests && resources.limits);
    }
  }
});

test('images are pinned by digest where one is given; the base image always is', async () => {
  const digest = `sha256:${'0a'.repeat(32)}`;
  const values = [`--set=image.digest=${digest}`, `--set=etcd.image.digest=${digest}`];
  for (const { containers } of podsOf(await render(...values)))
    for (const { image } of containers) assert.match(image, /^[^@]+:[^@]+@sha256:(0a){32}$/);
  const dockerfile = readFileSync(join(projectFolder, 'Dockerfile'), 'utf8');
  assert.match(dockerfile, /^ARG NODE_IMAGE=node:[\d.]+-\S+@sha256:[0-9a-f]{64}$/m);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the Dockerfile has it.
  for (const [, from] of dockerfile.matchAll(/^FROM (\S+)/gm)) assert.equal(from, '${NODE_IMAGE}');
});

test('an existing etcd is used, with its certificates and user', async () => {
  const rendered = await render(
    '--set=etcd.external.endpoints={https://one:2379,https://two:2379}',
    '--set=etcd.external.tlsSecret=etcd-client',
    '--set=etcd.external.user=idra',
    '--set=etcd.external.passwordSecret=etcd-user',
  );
  const pods = podsOf(rendered);
  assert.equal(pods.length, 3, 'no etcd of its own');
  for (const { containers } of pods) {
    const env = new Map(containers[0]?.env?.map(({ name, value }) => [name, value]));
    assert.equal(env.get('IDRA_ETCD_ENDPOINTS'), 'https://one:2379,https://two:2379');
    assert.equal(env.get('IDRA_ETCD_CA'), '/etc/idra/etcd/ca.crt');
    assert.equal(env.get('IDRA_ETCD_USER'), 'idra');
    assert.equal(env.get('IDRA_HEALTH_ADDRESS'), '*', 'the kubelet asks from outside');
  }
});

test('SQLite files are on a volume, where one is given', async () => {
  const rootOf = (pods: ReturnType<typeof podsOf>) =>
    pods
      .flatMap(({ containers }) => containers[0]?.env ?? [])
      .find(({ name }) => name === 'IDRA_SQLITE_ROOT');
  assert.equal(rootOf(podsOf(await render())), undefined);
  const volume = '--set=agents.sqlite.volume.persistentVolumeClaim.claimName=files';
  assert.equal(rootOf(podsOf(await render(volume)))?.value, '/var/lib/idra');
});

test('only agents, operator and API server reach the etcd of the chart', async () => {
  const policy = (await render()).find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'idra-etcd',
  )?.spec as
    | {
        ingress: {
          from?: { podSelector: { matchLabels: Record<string, string> } }[];
          ports: { port: number }[];
        }[];
      }
    | undefined;
  const client = policy?.ingress.filter(({ ports }) => ports.some(({ port }) => port === 2379)) ?? [];
  const roles = client.flatMap(({ from = [] }) =>
    from.map(({ podSelector }) => podSelector.matchLabels['app.kubernetes.io/component']),
  );
  assert.deepEqual([client.length, ...roles], [1, 'agent', 'operator', 'api']);
  const external = await render('--set=etcd.external.endpoints={https://one:2379}');
  assert.ok(
    !external.some(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'idra-etcd'),
  );
});

test('with watchNamespaces agents have rights in these namespaces only', async () => {
  const rendered = await render('--set=watchNamespaces={team-a,team-b}');
  assert.deepEqual(
    rendered.filter(({ kind }) => kind === 'ClusterRole').map(({ metadata }) => metadata.name),
    ['idra-system-idra-operator'],
  );
  const roles = rendered.filter(
    ({ kind, metadata }) => kind === 'Role' && metadata.name === 'idra-system-idra-agent',
  );
  assert.deepEqual(roles.map(({ metadata }) => metadata.namespace).sort(), ['team-a', 'team-b']);
  assert.deepEqual(roles[0]?.rules, [
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    { apiGroups: ['idra.dev'], resources: ['datasources'], verbs: ['get'] },
  ]);
});

test('names of objects that two releases might share contain namespace and name of the release', async () => {
  const text = (name: string, namespace: string) =>
    runOrFail(helm, [
      'template',
      name,
      chart,
      '-n',
      namespace,
      '--set=watchNamespaces={team}',
      '--set=crds.install=false',
    ]);
  const all = await Promise.all([text('idra', 'one'), text('idra', 'two'), text('mover', 'one')]);
  const names = all.flatMap((each) =>
    parseAllDocuments(each)
      .map((document) => document.toJS() as Rendered | null)
      .flatMap((object) =>
        object ? [`${object.kind} ${object.metadata.namespace ?? ''} ${object.metadata.name}`] : [],
      ),
  );
  const shared = names.filter((name) => name.includes(' team '));
  assert.equal(new Set(shared).size, shared.length, shared.join('\n'));
  for (const each of all) assert.match(each, /IDRA_INSTALLATION\s+value: (idra|mover-idra)/);
});

test('values that the chart does not know or cannot use are refused', async () => {
  const refused: readonly [set: string, names: RegExp][] = [
    ['agents.replica=3', /replica/],
    ['agents.leaseTtl=0s', /leaseTtl/],
    ['etcd.image.tag=', /tag/],
    ['watchNamespaces={team a}', /watchNamespaces/],
    ['watchNamespaces={"team-a\\,team-b"}', /watchNamespaces/],
  ];
  for (const [set, names] of refused) {
    const { code, stderr } = await runCommand(helm, ['template', 'idra', chart, '--set', set]);
    assert.notEqual(code, 0, set);
    assert.match(stderr, names);
  }
});

test('values of an existing etcd of which one needs another are refused, with the field to set', async () => {
  const endpoints = 'endpoints={https://one:2379}';
  const refused: readonly [sets: readonly string[], says: RegExp][] = [
    [
      [endpoints, 'user=idra'],
      /user idra for the operator, but no password: set etcd\.external\.passwordSecret or/,
    ],
    [[endpoints, 'agent.user=a'], /user a for the agent, .*etcd\.external\.agent\.passwordSecret/],
    [
      [endpoints, 'passwordSecret=p'],
      /passwordSecret p for the operator, but no user: set etcd\.external\.user/,
    ],
    [['user=idra', 'passwordSecret=p'], /external\.user is set, but etcd\.external\.endpoints is empty/],
    [['agent.tlsSecret=t'], /external\.agent\.tlsSecret is set, but etcd\.external\.endpoints is empty/],
    [
      ['allowCleartextPassword=true'],
      /allowCleartextPassword is set, but etcd\.external\.endpoints is empty/,
    ],
    [['endpoints={https://one:2379,http://two:2379}'], /mixes http:\/\/ and https:\/\//],
    [
      ['endpoints={http://one:2379}', 'tlsSecret=t'],
      /tlsSecret t for the operator, which http:\/\/ endpoints do not use/,
    ],
    [
      ['endpoints={http://one:2379}', 'user=u', 'passwordSecret=p'],
      /without TLS: .*allowCleartextPassword to true/,
    ],
  ];
  for (const [sets, says] of refused) {
    const values = sets.flatMap((set) => ['--set', `etcd.external.${set}`]);
    const { code, stderr } = await runCommand(helm, ['template', 'idra', chart, ...values]);
    assert.notEqual(code, 0, sets.join(' '));
    assert.match(stderr, says);
  }
  const cleartext = [
    'endpoints={http://one:2379}',
    'user=u',
    'passwordSecret=p',
    'allowCleartextPassword=true',
  ];
  await render(...cleartext.map((set) => `--set=etcd.external.${set}`));
  const roles = ['operator', 'agent'].flatMap((role) => [
    `${role}.user=${role}`,
    `${role}.passwordSecret=${role}`,
  ]);
  await render(...[endpoints, ...roles].map((set) => `--set=etcd.external.${set}`));
});

test('labels of agents with signs of YAML, and the network policy of etcd without a value', async () => {
  const rendered = await render('--set=agents.labels.zone=a: b #c', '--set=etcd.networkPolicy=null');
  const values = podsOf(rendered).flatMap(({ containers }) => containers[0]?.env ?? []);
  assert.equal(values.find(({ name }) => name === 'IDRA_AGENT_LABELS')?.value, 'zone=a: b #c');
  assert.ok(rendered.some(({ kind }) => kind === 'NetworkPolicy'));
});

test('the API server: only its own namespace reaches it, its first password is kept, and it can be left out', async () => {
  const versions = ['--api-versions', 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy'];
  const rendered = await render(...versions);
  const named = (kind: string, name: string) =>
    rendered.find((each) => each.kind === kind && each.metadata.name === name);
  assert.deepEqual(
    (named('NetworkPolicy', 'idra-api')?.spec as { ingress: unknown[] } | undefined)?.ingress,
    [
      { from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 'http' }] },
      { ports: [{ protocol: 'TCP', port: 'health' }] },
    ],
  );
  const secret = named('Secret', 'idra-api-first-password') as unknown as {
    data: { password: string };
    metadata: { annotations: Record<string, string> };
  };
  assert.equal(Buffer.from(secret.data.password, 'base64').length, 32);
  assert.equal(secret.metadata.annotations['helm.sh/resource-policy'], 'keep');
  assert.ok(named('ValidatingAdmissionPolicy', 'idra-system-idra-api-secrets'));
  const given = await render('--set=api.firstPasswordSecret=first');
  assert.deepEqual(given, await render('--set=api.firstPasswordSecret=first'), 'nothing random is rendered');
  assert.ok(JSON.stringify(given).includes('"secretName":"first"'));
  const charts = await render('--set=api.prometheus.url=http://prometheus.monitoring.svc:9090');
  assert.ok(
    JSON.stringify(charts).includes(
      '{"name":"IDRA_PROMETHEUS_URL","value":"http://prometheus.monitoring.svc:9090"}',
    ),
  );
  const without = await render('--set=api.enabled=false', ...versions);
  assert.deepEqual(
    without.filter(({ metadata }) => /-api\b/.test(metadata.name)).map(({ kind }) => kind),
    [],
  );
  for (const [set, says] of [
    ['api.oidc.issuer=https://login.example', /externalUrl/],
    ['api.oidc.roles={shop=owner}', /roles/],
    ['api.basePath=idra', /basePath/],
    ['api.prometheus.url=http://user:password@prometheus:9090', /prometheus/],
  ] as const) {
    const { code, stderr } = await runCommand(helm, ['template', 'idra', chart, '--set', set]);
    assert.notEqual(code, 0, set);
    assert.match(stderr, says);
  }
});
