import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { version } from '../../core/version.ts';
import { type CommandResult, runCommand } from '../kit/processes.ts';
import { until } from '../kit/wait.ts';
import { digest, insertSlowly, intruder, kubectl, namespace } from './release.ts';

/** Who can access the etcd of the release and who cannot, and what happens to rows while its certificates are replaced. */
export function etcdTests(): void {
  test('a pod of another namespace neither reads nor writes etcd', refusesStrangers);
  test('the certificate of an agent can read, but cannot write desired state', refusesAgents);
  test('operator and agents have their rights and no others', judgesRights);
  test('certificates and their authority are replaced under running Syncs', rotates);
}

const server = `idra-etcd.${namespace}.svc:2379`;
const evil = `
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: evil, namespace: ${namespace} }
spec:
  postgres: { host: evil.example.org, database: x, user: x, passwordSecretRef: { name: database, key: password } }
`;

async function refusesStrangers(): Promise<void> {
  await startIntruder();
  // The intruder may know the CA, whose certificate is not secret, and claim to be root.
  await giveIntruder('agent', ['ca.crt']);
  const made = await asIntruder({}, ['etcd', 'certificates', '--folder', '/tmp/made']);
  assert.equal(made.code, 0, made.stderr);
  const ways: Record<string, string>[] = [
    { IDRA_ETCD_ENDPOINTS: `http://${server}` },
    { IDRA_ETCD_ENDPOINTS: `https://${server}`, IDRA_ETCD_CA: '/tmp/agent/ca.crt' },
    { ...loginOf('made/root'), IDRA_ETCD_CA: '/tmp/agent/ca.crt' },
  ];
  for (const env of ways) {
    for (const args of [['get', 'syncs', '-n', namespace, '-o', 'name'], ['locks']]) {
      const { code, stdout } = await asIntruder(env, args);
      assert.notEqual(code, 0, JSON.stringify(env));
      assert.equal(stdout, '');
    }
    assert.notEqual((await asIntruder(env, ['apply', '-f', '-'], evil)).code, 0, JSON.stringify(env));
  }
  assert.doesNotMatch(await inEtcd(), /evil/);
}

async function refusesAgents(): Promise<void> {
  await giveIntruder('agent', ['ca.crt', 'tls.crt', 'tls.key']);
  const stolen = loginOf('agent');
  const read = await asIntruder(stolen, ['get', 'syncs', '-n', namespace, '-o', 'name']);
  assert.equal(read.code, 0, read.stderr);
  assert.match(read.stdout, /orders/, 'the refusal is caused by missing rights');
  for (const call of [
    ['apply', '-f', '-'],
    ['delete', 'sync', 'orders', '-n', namespace],
    ['epoch', 'raise'],
  ]) {
    const { code, stderr } = await asIntruder(stolen, call, evil);
    assert.notEqual(code, 0, call.join(' '));
    assert.match(stderr, /does not permit user idra-agent/, call.join(' '));
  }
  assert.doesNotMatch(await inEtcd(), /evil/);
}

/** All of them, in every namespace and in detail: e2e/chart-rights.test.ts. */
async function judgesRights(): Promise<void> {
  const canI = async (account: string, asked: string) => {
    const as = `--as=system:serviceaccount:${namespace}:${account}`;
    return (await runCommand('kubectl', ['auth', 'can-i', ...asked.split(' '), as])).stdout.trim();
  };
  const expected: readonly (readonly [string, string, 'yes' | 'no'])[] = [
    ['idra-operator', `patch syncs.idra.dev --subresource=status -n ${namespace}`, 'yes'],
    ['idra-operator', `get secrets -n ${namespace}`, 'no'],
    // The operator has rights on its own kinds everywhere: the chart's rbac.yaml explains why.
    ['idra-operator', `list syncs.idra.dev -n ${intruder}`, 'yes'],
    ['idra-operator', `get secrets -n ${intruder}`, 'no'],
    ['idra-operator', `list pods -n ${intruder}`, 'no'],
    ['idra-agent', `get secrets -n ${namespace}`, 'yes'],
    ['idra-agent', `list secrets -n ${namespace}`, 'no'],
    ['idra-agent', `get secrets -n ${intruder}`, 'no'],
    ['idra-agent', `patch datasources.idra.dev -n ${namespace}`, 'no'],
    ['idra-etcd-certs', `patch secrets/idra-etcd-agent -n ${namespace}`, 'yes'],
    ['idra-etcd-certs', `get secrets/database -n ${namespace}`, 'no'],
    ['idra-etcd-certs-setup', `create secrets -n ${namespace}`, 'no'],
  ];
  for (const [account, asked, answer] of expected)
    assert.equal(await canI(account, asked), answer, `${account}: ${asked}`);
}

async function rotates(): Promise<void> {
  const before = await lives();
  const oldAgent = await certificateOf('agent');
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await insertSlowly();
  })();
  try {
    await issue('--renew');
    assert.ok((await certificateOf('agent')) !== oldAgent, 'another certificate');
    await hasArrived();
    for (let step = 0; step < 3; step++) {
      await issue('--rotate-ca');
      await hasArrived();
      await kubectl(['rollout', 'restart', 'statefulset/idra-etcd', '-n', namespace]);
      await kubectl(['rollout', 'status', 'statefulset/idra-etcd', '-n', namespace, '--timeout=120s']);
    }
  } finally {
    isDone = true;
    await writing;
  }
  await until(async () => (await digest('source', 'events')) === (await digest('destination', 'events')), {
    what: 'equal events',
    timeoutMs: 120_000,
  });
  assert.deepEqual(await lives(), before, 'neither agents nor operator have restarted');
  const stolen = await asIntruder(loginOf('agent'), ['locks']);
  assert.notEqual(stolen.code, 0, 'certificates of the earlier authority are no longer accepted');
}

async function startIntruder(): Promise<void> {
  await kubectl(['create', 'namespace', intruder]);
  const args = ['--image', `idra:${version}`, '--image-pull-policy=IfNotPresent', '--restart=Never'];
  await kubectl(['run', 'intruder', '-n', intruder, ...args, '--command', '--', 'sleep', '3600']);
  await kubectl(['wait', '-n', intruder, 'pod/intruder', '--for=condition=Ready', '--timeout=60s']);
}

/** Runs `idra ARGS` in the pod of the other namespace. */
async function asIntruder(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
): Promise<CommandResult> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = ['exec', '-i', '-n', intruder, 'intruder', '--', 'env', ...variables, 'idra', ...args];
  return await runCommand('kubectl', command, { input });
}

/** Copies files of a Secret of the release into FOLDER in the pod of the other namespace. */
async function giveIntruder(name: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const script = `mkdir -p /tmp/${name} && cat > /tmp/${name}/${file}`;
    const text = await secretFile(name, file);
    await kubectl(['exec', '-i', '-n', intruder, 'intruder', '--', 'sh', '-c', script], text);
  }
}

function loginOf(folder: string): Record<string, string> {
  return {
    IDRA_ETCD_ENDPOINTS: `https://${server}`,
    IDRA_ETCD_CA: `/tmp/${folder}/ca.crt`,
    IDRA_ETCD_CERT: `/tmp/${folder}/tls.crt`,
    IDRA_ETCD_KEY: `/tmp/${folder}/tls.key`,
  };
}

/** The desired state, as root sees it. */
async function inEtcd(): Promise<string> {
  const idra = ['exec', '-n', namespace, 'idra-etcd-0', '-c', 'roles', '--', 'idra'];
  return await kubectl([...idra, 'get', 'datasources', '-n', namespace, '-o', 'name']);
}

async function secretFile(name: string, file: string): Promise<string> {
  const path = `jsonpath={.data.${file.replace('.', '\\.')}}`;
  const text = await kubectl(['get', 'secret', `idra-etcd-${name}`, '-n', namespace, '-o', path]);
  return Buffer.from(text, 'base64').toString('utf8');
}

async function certificateOf(name: string): Promise<string> {
  return await secretFile(name, 'tls.crt');
}

/** Runs the chart's daily job at once, with additional arguments. */
async function issue(...args: readonly string[]): Promise<void> {
  const cron = JSON.parse(
    await kubectl(['get', 'cronjob', 'idra-etcd-certs', '-n', namespace, '-o', 'json']),
  ) as { spec: { jobTemplate: { spec: { template: { spec: { containers: { args: string[] }[] } } } } } };
  const { spec } = cron.spec.jobTemplate;
  spec.template.spec.containers[0]?.args.push(...args);
  const name = `certs-${randomUUID().slice(0, 8)}`;
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec };
  await kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(job));
  await kubectl(['wait', '-n', namespace, `job/${name}`, '--for=condition=Complete', '--timeout=120s']);
}

/** Waits until every part has the new files: the kubelet delivers them within a minute or two. */
async function hasArrived(): Promise<void> {
  const pods: readonly (readonly [string, string, string])[] = [
    ['statefulset/idra-agent', 'agent', '/etc/idra/etcd'],
    ['deployment/idra-operator', 'operator', '/etc/idra/etcd'],
  ];
  for (const [pod, name, folder] of pods) {
    const wanted = (await secretFile(name, 'ca.crt')) + (await certificateOf(name));
    const read = ['exec', '-n', namespace, pod, '--', 'cat', `${folder}/ca.crt`, `${folder}/tls.crt`];
    await until(async () => (await runCommand('kubectl', read)).stdout === wanted, {
      what: `the new certificate of ${name}`,
      timeoutMs: 240_000,
    });
  }
}

/** Pods of operator and agents, with their restart counts. */
async function lives(): Promise<string> {
  const path =
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}';
  const selector = 'app.kubernetes.io/component in (agent, operator)';
  return await kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', path]);
}
