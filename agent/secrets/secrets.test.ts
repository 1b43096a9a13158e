import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manifests } from '../../connectors/catalog.ts';
import { type SecretReader, withLastKnownSecrets } from '../../core/access.ts';
import { systemClock } from '../../core/clock.ts';
import { IdraError, permanent } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { type KubernetesApi, kubernetesApi } from '../../e2e/kit/servers.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { openSecrets } from './open-secrets.ts';
import { rememberingSecrets } from './remembering.ts';

const fails =
  (code: string, ...words: readonly string[]) =>
  (error: unknown) =>
    error instanceof IdraError &&
    error.code === code &&
    words.every((word) => `${error.message}; ${error.fix}`.includes(word));

const anywhere = { secretsFolder: undefined, watchNamespaces: [], confirmsDataSources: true };

test('a folder as Kubernetes mounts Secrets, set by the environment', async () => {
  const folder = await tempFolder('secrets');
  await mkdir(join(folder, 'shop-db'));
  await writeFile(join(folder, 'shop-db', 'password'), 'hunter2\n');
  const config = { ...anywhere, secretsFolder: folder };
  const secrets = await openSecrets(config, {}, systemClock, manifests);
  assert.equal((await secrets.read('team-a', 'shop-db', 'password')).reveal(), 'hunter2');
  await assert.rejects(
    secrets.read('team-a', 'shop-db', 'user'),
    fails('SecretKeyNotFound', 'user', 'password'),
  );
  await assert.rejects(secrets.read('team-a', 'other', 'user'), fails('SecretNotFound', 'other', folder));
  await assert.rejects(secrets.read('team-a', '../x', 'user'), fails('SecretNotFound'));
});

test('without a folder and without Kubernetes the error says what to set', async () => {
  const env = { HOME: await tempFolder('home') };
  const secrets = await openSecrets(anywhere, env, systemClock, manifests);
  await assert.rejects(secrets.read('a', 'b', 'c'), fails('SecretNotFound', 'IDRA_SECRETS_DIR'));
});

test('concurrent reads share one request, a failed read is repeated, and a change is seen after a few seconds', async () => {
  let [nowMs, reads, isBroken] = [0, 0, true];
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const secrets = rememberingSecrets(async () => {
    reads += 1;
    if (isBroken) throw new Error('broken');
    return new Map();
  }, clock);
  const ask = () => secrets.read('a', 'b', 'c').catch(() => {});
  await Promise.all([ask(), ask(), ask()]);
  assert.equal(reads, 1);
  isBroken = false;
  await ask();
  await ask();
  assert.equal(reads, 2);
  nowMs = 60_000;
  await ask();
  assert.equal(reads, 3);
});

test('a deleted Secret that was read before is used only to end its Syncs', async () => {
  let nowMs = 0;
  let gone: 'SecretNotFound' | 'SecretForbidden' | undefined;
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const secrets = rememberingSecrets(async () => {
    if (gone) throw permanent(gone, 'it is gone');
    return new Map([['password', new Secret('hunter2')]]);
  }, clock);
  const cleanup = withLastKnownSecrets(secrets);
  await secrets.read('a', 'shop-db', 'password');
  for (const code of ['SecretNotFound', 'SecretForbidden'] as const) {
    gone = code;
    nowMs += 60_000;
    await assert.rejects(secrets.read('a', 'shop-db', 'password'), fails(code));
    assert.equal((await cleanup.read('a', 'shop-db', 'password')).reveal(), 'hunter2');
    await assert.rejects(cleanup.read('a', 'other', 'password'), fails(code));
    await assert.rejects(cleanup.read('b', 'shop-db', 'password'), fails(code));
  }
});

describe('Secrets of Kubernetes', () => {
  let api: KubernetesApi;
  let secrets: SecretReader;
  before(async () => {
    api = await kubernetesApi();
    const account = await api.serviceAccount('idra-system', 'agent');
    const secret = (namespace: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'shop-db', namespace },
      stringData: { password: 'pässword' },
    });
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'agent', namespace: 'team-a' },
    };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' };
    const subjects = [{ kind: 'ServiceAccount', name: 'agent', namespace: 'idra-system' }];
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    for (const name of ['team-a', 'team-b', 'team-c'])
      await api.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    for (const object of [
      secret('team-a'),
      secret('team-b'),
      { ...role, kind: 'Role', rules },
      { ...role, kind: 'RoleBinding', roleRef, subjects },
    ])
      await api.apply(JSON.stringify(object));
    const config = { ...anywhere, watchNamespaces: ['team-a', 'team-b'] };
    secrets = await openSecrets(config, { KUBECONFIG: account.kubeconfigPath }, systemClock, manifests);
  });
  after(() => api?.stop());

  test('are read by get, in watched namespaces only, and errors have a remedy', async () => {
    assert.equal((await secrets.read('team-a', 'shop-db', 'password')).reveal(), 'pässword');
    await assert.rejects(
      secrets.read('team-a', 'shop-db', 'user'),
      fails('SecretKeyNotFound', 'it has password'),
    );
    await assert.rejects(
      secrets.read('team-a', 'none', 'user'),
      fails('SecretNotFound', 'kubectl create secret'),
    );
    await assert.rejects(
      secrets.read('team-b', 'shop-db', 'password'),
      fails('SecretForbidden', 'service account'),
    );
    await assert.rejects(
      secrets.read('team-c', 'shop-db', 'password'),
      fails('SecretForbidden', 'IDRA_WATCH_NAMESPACES'),
    );
  });

  test('an unavailable API server is retried', async () => {
    await api.process.kill();
    await assert.rejects(
      secrets.read('team-a', 'again', 'user'),
      (error) => fails('SecretUnavailable')(error) && (error as IdraError).disposition === 'transient',
    );
    await api.process.restart();
    await assert.rejects(secrets.read('team-a', 'again', 'user'), fails('SecretNotFound'));
  });
});
