import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { idra } from '../cli/test-cli.ts';
import { renderChart } from './kit/chart.ts';
import { giveRights, release, takeRights } from './kit/chart-rights.ts';
import { type KubernetesApi, kubernetesApi } from './kit/servers.ts';
import { until } from './kit/wait.ts';

/** The rights that the chart grants, as evaluated by the API server: what each part needs, and what it must not have. */
let api: KubernetesApi;

before(async () => {
  api = await kubernetesApi();
});

after(async () => {
  await api.stop();
});

/** `VERB RESOURCE[.GROUP][:SUBRESOURCE][/NAME] [NAMESPACE]`; without a namespace it means all namespaces. */
function reviewOf(asked: string, account: string): object {
  const [, verb, resource, group, subresource, name, namespace] =
    /^(\w+) (\w+)(?:\.([\w.]+))?(?::(\w+))?(?:\/([\w-]+))?(?: ([\w-]+))?$/.exec(asked) ?? [];
  assert.ok(verb, asked);
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${release}:${account}`,
      groups: ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${release}`],
      resourceAttributes: { verb, resource, group, subresource, name, namespace },
    },
  };
}

/** Like `kubectl auth can-i`, in one call: `can get secrets team-a` or `cannot ...`, for each. */
async function judged(account: string, asked: readonly string[]): Promise<string[]> {
  const input = asked.map((each) => JSON.stringify(reviewOf(each, account))).join('\n---\n');
  const { code, stdout, stderr } = await api.kubectl(
    ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}{"\\n"}'],
    { input },
  );
  assert.equal(code, 0, stderr);
  const answers = stdout.trim().split('\n');
  assert.equal(answers.length, asked.length, stdout);
  return asked.map((each, index) => `${answers[index] === 'true' ? 'can' : 'cannot'} ${each}`);
}

async function judge(account: string, may: readonly string[], mayNot: readonly string[]): Promise<void> {
  assert.deepEqual(await judged(account, [...may, ...mayNot]), [
    ...may.map((each) => `can ${each}`),
    ...mayNot.map((each) => `cannot ${each}`),
  ]);
}

const withPolicies = ['--api-versions', 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy'];

/** What no part of Idra may do, whatever namespaces it watches. */
const nobody = [
  'list secrets team-a',
  'watch secrets team-a',
  'delete secrets team-a',
  'create pods team-a',
  'create pods:exec idra-system',
  'get configmaps team-a',
  'create syncs.idra.dev team-a',
  'delete syncs.idra.dev team-a',
  'create rolebindings.rbac.authorization.k8s.io idra-system',
  'escalate roles.rbac.authorization.k8s.io idra-system',
  'impersonate serviceaccounts idra-system',
  'create serviceaccounts:token idra-system',
  'update customresourcedefinitions.apiextensions.k8s.io',
];

describe('the rights of a release that watches everything', () => {
  before(() => giveRights(api));
  after(() => takeRights(api));

  test('the operator copies resources and statuses, and reads no Secret', async () => {
    await judge(
      'idra-operator',
      [
        'list syncs.idra.dev',
        'watch datasources.idra.dev',
        'patch syncs.idra.dev:status team-a',
        'patch syncs.idra.dev team-a',
        'create events.events.k8s.io team-a',
        'get namespaces',
        'patch leases.coordination.k8s.io idra-system',
      ],
      [
        ...nobody,
        'get secrets team-a',
        'get secrets idra-system',
        'list namespaces',
        'delete namespaces',
        'get leases.coordination.k8s.io team-a',
        'update leases.coordination.k8s.io idra-system',
        'update syncs.idra.dev team-a',
        'create events team-a',
      ],
    );
  });

  test('agents get Secrets and DataSources by name, and write nothing', async () => {
    await judge(
      'idra-agent',
      ['get secrets team-a', 'get datasources.idra.dev team-a'],
      [
        ...nobody,
        'list datasources.idra.dev team-a',
        'get syncs.idra.dev team-a',
        'create secrets team-a',
        'patch syncs.idra.dev team-a',
        'patch syncs.idra.dev:status team-a',
        'patch datasources.idra.dev team-a',
        'create events team-a',
        'get leases.coordination.k8s.io idra-system',
      ],
    );
  });

  test('the API server changes Syncs and DataSources, and writes Secrets that it cannot read', async () => {
    await judge(
      'idra-api',
      [
        'list syncs.idra.dev',
        'watch datasources.idra.dev',
        'create syncs.idra.dev team-a',
        'patch datasources.idra.dev team-a',
        'delete syncs.idra.dev team-a',
        'create secrets team-a',
        'patch secrets team-a',
      ],
      [
        ...nobody.filter((each) => !/(create|delete) syncs/.test(each)),
        'get secrets team-a',
        'update secrets team-a',
        'patch syncs.idra.dev:status team-a',
        'create events.events.k8s.io team-a',
        'get leases.coordination.k8s.io idra-system',
        'get namespaces',
      ],
    );
  });

  test('a policy confines it to Secrets with the label of Idra', async () => {
    const policies = (await renderChart(...withPolicies)).filter(({ kind }) =>
      kind.startsWith('ValidatingAdmission'),
    );
    await api.apply(policies.map((each) => stringify(each)).join('---\n'));
    const { kubeconfigPath } = await api.serviceAccount(release, 'idra-api');
    const create = (name: string, label: string) =>
      api.kubectl(['--kubeconfig', kubeconfigPath, 'create', '-n', 'team-a', '-f', '-'], {
        input: stringify({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, labels: { [label]: 'true' } },
          data: {},
        }),
      });
    // A policy takes effect a moment after it is stored.
    await until(
      async () => /may only write Secrets with the label/.test((await create('other', 'a')).stderr),
      {
        what: 'the refusal',
      },
    );
    assert.equal((await create('ours', 'idra.dev/secret')).code, 0);
    await api.kubectl(['create', 'secret', 'generic', 'foreign', '-n', 'team-a', '--from-literal=a=b']);
    const patch = JSON.stringify({ metadata: { labels: { 'idra.dev/secret': 'true' } } });
    const taken = await api.kubectl([
      ...['--kubeconfig', kubeconfigPath, 'patch', 'secret', 'foreign', '-n', 'team-a', '-p', patch],
    ]);
    assert.match(taken.stderr, /may only change Secrets with the label|cannot get resource/);
  });

  for (const account of ['idra-etcd-certs', 'idra-etcd-certs-setup'])
    test(`${account} reads and changes its own Secrets, and no other`, async () => {
      await judge(
        account,
        [
          'get secrets/idra-etcd-ca idra-system',
          'patch secrets/idra-etcd-root idra-system',
          'create secrets idra-system',
        ],
        [
          ...nobody,
          'get secrets/other idra-system',
          'get secrets idra-system',
          'patch secrets/other idra-system',
          'create secrets team-a',
          'get secrets/idra-etcd-root team-a',
          'get syncs.idra.dev team-a',
        ],
      );
    });

  test('these rights suffice for idra etcd certificates, which changes no other Secrets', async () => {
    const { kubeconfigPath } = await api.serviceAccount(release, 'idra-etcd-certs');
    const run = (...args: readonly string[]) =>
      idra(
        ['etcd', 'certificates', '--secrets', 'idra-etcd', '-n', release, '--host', 'idra-etcd', ...args],
        { KUBECONFIG: kubeconfigPath },
      );
    const serial = async () => {
      const { stdout } = await api.kubectl([
        ...['get', 'secret', 'idra-etcd-agent', '-n', release, '-o', 'jsonpath={.type} {.data.tls\\.crt}'],
      ]);
      return stdout;
    };
    const made = await run();
    assert.equal(made.status, 0, made.err);
    assert.match(made.out, /Secret idra-system\/idra-etcd-agent +idra-agent .*created/);
    const before = await serial();
    assert.match(before, /^idra\.dev\/etcd-certificate LS0t/);
    await Promise.all([run(), run()]);
    assert.equal(await serial(), before, 'what is well stays');
    // Two at the same time: what one has written the other adopts, or repeats.
    const both = await Promise.all([run('--renew'), run('--renew')]);
    assert.deepEqual(
      both.map(({ status, err }) => `${status}${err}`),
      ['0', '0'],
    );
    assert.notEqual(await serial(), before);
    for (let step = 0; step < 3; step++) assert.equal((await run('--rotate-ca')).status, 0);
    const { stdout } = await api.kubectl(['get', 'secret', 'idra-etcd-ca', '-n', release, '-o', 'json']);
    const { data } = JSON.parse(stdout) as { data: Record<string, string> };
    assert.deepEqual(Object.keys(data).sort(), ['tls.crt', 'tls.key'], 'the authority before is forgotten');

    await api.kubectl(['delete', 'secret', 'idra-etcd-api', '-n', release]);
    await api.kubectl(['create', 'secret', 'generic', 'idra-etcd-api', '-n', release, '--from-literal=a=b']);
    const refused = await run();
    assert.match(`${refused.status} ${refused.err}`, /^2 .*idra-etcd-api was not created by Idra/);
  });
});

describe('the rights of a release that watches team-a', () => {
  before(() => giveRights(api, '--set=watchNamespaces={team-a}'));
  after(() => takeRights(api));

  test('end at that namespace for Secrets; the operator has its own kinds everywhere, to release them', async () => {
    await judge(
      'idra-operator',
      ['list syncs.idra.dev', 'patch syncs.idra.dev:status team-a', 'patch syncs.idra.dev team-b'],
      [...nobody, 'get secrets team-a'],
    );
    await judge(
      'idra-agent',
      ['get secrets team-a', 'get datasources.idra.dev team-a'],
      [...nobody, 'get secrets team-b', 'get datasources.idra.dev team-b', 'get secrets idra-system'],
    );
  });
});
