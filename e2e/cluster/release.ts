import assert from 'node:assert/strict';
import { copyFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { version } from '../../core/version.ts';
import { renderChart } from '../kit/chart.ts';
import { projectFolder, runCommand, runOrFail } from '../kit/processes.ts';
import { etcdPlaces } from '../kit/servers/etcd.ts';
import { findServer } from '../kit/servers/find.ts';
import { findHelm } from '../kit/servers/helm.ts';
import { tempFolder } from '../kit/temp.ts';
import { until } from '../kit/wait.ts';

/**
 * A release of the chart on a complete cluster: KUBECONFIG names it, and IDRA_TEST_IMAGE_BUILD is a command that is called with a tag and
 * a folder, builds the folder's Dockerfile and makes the image available to the cluster (for kind: docker build and kind load).
 * IDRA_TEST_POD_CUT and IDRA_TEST_POD_HEAL are called with NAMESPACE POD to cut and restore its network; without them one test is
 * skipped.
 */
export const namespace = 'idra-chart-test';
/** Watched as well. */
export const manyNamespace = 'idra-chart-many';
/** A namespace that does not belong to the release. */
export const intruder = 'idra-chart-intruder';

export async function buildImages(): Promise<void> {
  const build = process.env.IDRA_TEST_IMAGE_BUILD;
  assert.ok(
    build,
    'set IDRA_TEST_IMAGE_BUILD to a command that takes TAG FOLDER and loads the image into the cluster',
  );
  const folder = await tempFolder('images');
  const etcd = join(folder, 'etcd');
  await cp(join(projectFolder, 'e2e/cluster/images/etcd'), etcd, { recursive: true });
  await copyFile(join(await findServer('etcd', etcdPlaces), 'etcd'), join(etcd, 'etcd'));
  const images: readonly (readonly [string, string])[] = [
    [`idra:${version}`, projectFolder],
    ['idra-test-etcd:1', etcd],
    ['idra-test-postgres:1', join(projectFolder, 'e2e/cluster/images/postgres')],
  ];
  for (const [tag, context] of images)
    await runOrFail('sh', ['-c', `${build} "$0" "$1"`, tag, context], { timeoutMs: 900_000 });
}

export async function installRelease(): Promise<void> {
  const chart = join(projectFolder, 'helm/idra');
  const how = ['-n', namespace, '--wait', '--timeout=5m'];
  await runOrFail(await findHelm(), ['install', 'idra', chart, ...how, ...values()]);
}

/** Grants the rights in a recreated namespace: the old ones were deleted with it. */
export async function giveRights(inNamespace: string): Promise<void> {
  const rendered = await renderChart('-n', namespace, ...values());
  const rights = rendered.filter(({ metadata }) => metadata.namespace === inNamespace);
  await kubectl(['apply', '-f', '-'], rights.map((each) => JSON.stringify(each)).join('\n---\n'));
}

function values(): string[] {
  return [
    '--set=etcd.image.repository=idra-test-etcd',
    '--set-string=etcd.image.tag=1',
    '--set=image.repository=idra',
    '--set=agents.replicas=1',
    '--set=operator.replicas=1',
    `--set=watchNamespaces={${namespace},${manyNamespace}}`,
  ];
}

export async function startPostgres(): Promise<void> {
  await kubectl(
    ['apply', '-n', namespace, '-f', '-'],
    `
apiVersion: v1
kind: Secret
metadata: { name: database }
stringData: { password: chart-test }
---
apiVersion: v1
kind: Pod
metadata: { name: database, labels: { app: database } }
spec:
  containers:
    - name: postgres
      image: idra-test-postgres:1
      imagePullPolicy: IfNotPresent
      env: [{ name: POSTGRES_PASSWORD, valueFrom: { secretKeyRef: { name: database, key: password } } }]
---
apiVersion: v1
kind: Service
metadata: { name: database }
spec:
  selector: { app: database }
  ports: [{ port: 5432 }]
`,
  );
  await kubectl(['wait', '-n', namespace, 'pod/database', '--for=condition=Ready', '--timeout=120s']);
  await until(async () => (await tryPsql('postgres', 'SELECT 1')).code === 0, {
    what: 'PostgreSQL to answer',
    timeoutMs: 60_000,
  });
  for (const database of ['source', 'destination']) await psql('postgres', `CREATE DATABASE ${database}`);
}

export function manifests(): string {
  const dataSource = (name: string) => `
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  postgres:
    host: database.${namespace}.svc
    database: ${name}
    user: postgres
    passwordSecretRef: { name: database, key: password }
---`;
  return `${dataSource('source')}${dataSource('destination')}
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: events }
spec:
  source: { dataSource: source, table: public.events, idField: id }
  destination: { dataSource: destination, table: public.events }
  mode: Id
  writeMode: Append
  schedule: { continuous: true }
---
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: orders }
spec:
  source: { dataSource: source, table: public.orders, timestampField: updated_at }
  destination: { dataSource: destination, table: public.orders }
  mode: Timestamp
  schedule: { every: 2s }
`;
}

export async function insertSlowly(): Promise<void> {
  for (let turn = 0; turn < 20; turn++)
    await psql('source', 'INSERT INTO events SELECT FROM generate_series(1, 50)');
}

export async function count(table: string): Promise<number> {
  const { code, stdout } = await tryPsql('destination', `SELECT count(*) FROM ${table}`);
  return code === 0 ? Number(stdout.trim()) : 0;
}

/** Digest of every row and column, in order of the key. */
export async function digest(database: string, table: string): Promise<string> {
  return (
    await psql(database, `SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM ${table} t`)
  ).trim();
}

export async function psql(database: string, sql: string): Promise<string> {
  const { code, stdout, stderr } = await tryPsql(database, sql);
  if (code !== 0) throw new Error(`psql ${database}: ${stderr}`);
  return stdout;
}

export function tryPsql(database: string, sql: string) {
  return runCommand('kubectl', [
    'exec',
    '-n',
    namespace,
    'database',
    '--',
    'psql',
    '-qAtX',
    '-v',
    'ON_ERROR_STOP=1',
    '-d',
    database,
    '-c',
    sql,
  ]);
}

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return await runOrFail('kubectl', args, input === undefined ? {} : { input });
}

export async function clean(): Promise<void> {
  for (const each of [namespace, manyNamespace])
    await runCommand('kubectl', ['delete', 'syncs,datasources', '--all', '-n', each, '--timeout=60s']);
  await runCommand(await findHelm(), ['uninstall', 'idra', '-n', namespace, '--wait', '--ignore-not-found']);
  const namespaces = [namespace, manyNamespace, intruder];
  await runCommand('kubectl', ['delete', 'namespace', ...namespaces, '--ignore-not-found', '--timeout=120s']);
}
