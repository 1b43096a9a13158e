import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { definitionOf, manifests } from '../../connectors/catalog.ts';
import type { AgentSession, Probe } from '../../coordination/contract.ts';
import { resolveAccess, type SecretReader, withLastKnownSecrets } from '../../core/access.ts';
import { systemClock } from '../../core/clock.ts';
import { IdraError } from '../../core/errors.ts';
import { OperatorBed } from '../../e2e/kit/operator.ts';
import { answerProbe } from '../probe-answers.ts';
import { openSecrets } from './open-secrets.ts';

type Made = Awaited<ReturnType<OperatorBed['makeDataSource']>>;

const isRefused = (disposition: string, text: RegExp) => (error: unknown) =>
  error instanceof IdraError &&
  error.code === 'DataSourceNotConfirmed' &&
  error.disposition === disposition &&
  text.test(error.message);

/** Simulates an attacker who can write in etcd but not in Kubernetes. */
describe('a Secret is used only as the custom resource of its DataSource defines', () => {
  let bed: OperatorBed;
  let secrets: SecretReader;
  let withoutRight: SecretReader;
  let attacker: Server;
  let session: AgentSession;
  let clock = systemClock;
  let connections = 0;
  const namespace = 'victim';

  before(async () => {
    bed = await OperatorBed.start();
    attacker = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
    await bed.kubectl('create', 'namespace', namespace);
    await bed.api.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'db', namespace },
        stringData: { password: 'hunter2' },
      }),
    );
    const open = async (name: string, rules: readonly object[]) => {
      const account = await bed.api.serviceAccount('idra-system', name);
      const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } };
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
      const subjects = [{ kind: 'ServiceAccount', name, namespace: 'idra-system' }];
      await bed.api.apply(JSON.stringify({ ...rbac, kind: 'ClusterRole', rules }));
      await bed.api.apply(JSON.stringify({ ...rbac, kind: 'ClusterRoleBinding', roleRef, subjects }));
      const config = { secretsFolder: undefined, watchNamespaces: [], confirmsDataSources: true };
      // Each clock reading advances by a minute, so that cached reads have always expired.
      let nowMs = 0;
      clock = { ...systemClock, monotonicMs: () => (nowMs += 60_000) };
      return await openSecrets(config, { KUBECONFIG: account.kubeconfigPath }, clock, manifests);
    };
    const readsSecrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
    const readsDataSources = { apiGroups: ['idra.dev'], resources: ['datasources'], verbs: ['get'] };
    secrets = await open('agent', [readsSecrets, readsDataSources]);
    withoutRight = await open('agent-of-before', [readsSecrets]);
    session = (await bed.joinAgent('a')).session;
  });
  after(async () => {
    attacker?.close();
    await bed?.stop();
  });

  const specOf = (host: string) => ({
    postgres: {
      host,
      port: (attacker.address() as { port: number }).port,
      database: 'shop',
      user: 'idra',
      passwordSecretRef: { name: 'db', key: 'password' },
      tls: { mode: 'Disable' },
      allowCleartextPassword: true,
    },
  });
  /** What an attacker with write access to etcd writes there. */
  const put = async (name: string, host: string, { metadata }: Partial<Made> = {}) =>
    await bed.coordination.desired.putDataSource({
      uid: metadata?.uid ?? 'made-up',
      namespace,
      name,
      generation: metadata?.generation ?? 1,
      createdAt: 't',
      spec: specOf(host),
    });
  const check = async (name: string) => {
    const { coordination } = bed;
    const deps = { coordination, session, manifests, secrets, definitionOf, planner: () => undefined };
    return await answerProbe(deps, {
      id: '1',
      kind: 'check',
      subject: `${namespace}/${name}`,
      selector: {},
    } satisfies Probe);
  };
  const made = async (name: string, host: string) => await bed.makeDataSource(namespace, name, specOf(host));
  const stored = async (name: string) => {
    const found = await bed.coordination.desired.getDataSource(namespace, name);
    assert.ok(found);
    return manifests.readDataSource(found);
  };

  test('a DataSource that exists in etcd only is refused, and its server is not contacted', async () => {
    await put('evil', '127.0.0.1');
    await assert.rejects(check('evil'), isRefused('permanent', /Kubernetes does not have/));
    assert.equal(connections, 0);
  });

  test('one whose host was changed in etcd is refused, whatever generation it has', async () => {
    const real = await made('shop', 'db.victim.svc');
    await put('shop', '127.0.0.1', real);
    await assert.rejects(check('shop'), isRefused('permanent', /differs from its custom resource/));
    await put('shop', '127.0.0.1', { metadata: { ...real.metadata, generation: 99 } });
    await assert.rejects(check('shop'), isRefused('permanent', /differs from its custom resource/));
    assert.equal(connections, 0);
  });

  test('a host that the custom resource had before is refused as well, until etcd has the new one', async () => {
    const real = await made('moved', '127.0.0.1');
    await put('moved', '127.0.0.1', real);
    await bed.kubectl(
      'patch',
      'datasource',
      'moved',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: specOf('db.victim.svc') }),
    );
    await assert.rejects(check('moved'), isRefused('transient', /differs from its custom resource/));
    assert.equal(connections, 0);
  });

  test('the spec of the custom resource is used, and the end of a Sync no longer needs it', async () => {
    const real = await made('own', '127.0.0.1');
    await put('own', '127.0.0.1', real);
    await assert.rejects(
      check('own'),
      (error) => !(error instanceof IdraError) || error.code !== 'DataSourceNotConfirmed',
    );
    assert.equal(connections > 0, true, 'it was opened');
    const before = await stored('own');
    await bed.kubectl('delete', 'datasource', 'own', '-n', namespace);
    await assert.rejects(resolveAccess(before, secrets), isRefused('permanent', /Kubernetes does not have/));
    const cleanup = withLastKnownSecrets(secrets);
    assert.equal((await resolveAccess(before, cleanup)).secret('password')?.reveal(), 'hunter2');
    await put('own', 'elsewhere', real);
    await assert.rejects(
      resolveAccess(await stored('own'), cleanup),
      isRefused('permanent', /Kubernetes does not have/),
    );
  });

  test('an agent without the right to read the custom resource reports which right it needs', async () => {
    const real = await made('unseen', '127.0.0.1');
    await put('unseen', '127.0.0.1', real);
    await assert.rejects(
      resolveAccess(await stored('unseen'), withoutRight),
      (error) =>
        error instanceof IdraError &&
        error.code === 'SecretForbidden' &&
        error.fix?.includes('"get" on datasources.idra.dev') === true,
    );
  });
});
