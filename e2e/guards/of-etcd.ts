import type { Guard } from './guard.ts';

/** What a user with write access to etcd, or with the certificate of one part of Idra, must not gain. */
export const ofEtcd: readonly Guard[] = [
  {
    name: 'a Secret is used for what the custom resource of its DataSource says',
    file: 'core/access.ts',
    from: 'if (references.length > 0) await secrets.confirm?.(dataSource);',
    to: '',
    caughtBy: { test: 'agent/secrets/confirmation.test.ts', only: 'in etcd only' },
  },
  {
    name: 'a DataSource whose host was changed in etcd is not the one of its custom resource',
    file: 'agent/secrets/confirmation.ts',
    from: 'return one.type === other.type && isDeepStrictEqual(one.config, other.config);',
    to: 'return one.type === other.type;',
    caughtBy: { test: 'agent/secrets/confirmation.test.ts', only: 'was changed in etcd' },
  },
  {
    name: 'a removal record of agents ends no Sync that nobody has deleted',
    file: 'coordination/state/removal.ts',
    from: 'return sync.deletedAt !== undefined && hasNote;',
    to: 'return hasNote;',
    caughtBy: { test: 'coordination/state/removal.test.ts', only: 'a removal record alone' },
  },
  {
    name: 'grants that a role must not have are revoked',
    file: 'coordination/roles/setup.ts',
    from: 'await auth.roleRevokePermission({ role, key: each.key, range_end: each.end });',
    to: '',
    caughtBy: { test: 'cli/etcd-roles.test.ts', only: 'an older layout' },
  },
  {
    name: "a certificate of Idra's own etcd is no Secret of a DataSource",
    file: 'agent/secrets/kubernetes.ts',
    from: 'if (secret.type === ownSecretType) {',
    to: 'if (secret.type === undefined) {',
    caughtBy: { test: 'agent/secrets/kubernetes.test.ts', only: "Idra's own etcd" },
  },
  {
    name: 'an authority is trusted before it signs',
    file: 'cli/certificates/authorities.ts',
    from: 'authorities: { signing, next: await make() },',
    to: 'authorities: { signing: await make(), previous: signing.certificate },',
    caughtBy: { test: 'cli/certificates/certificates.test.ts', only: 'an authority is published' },
  },
  {
    name: 'a client of etcd cannot play the server',
    file: 'cli/certificates/authority.ts',
    from: "if ('user' in request) return [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])];",
    to: "if ('user' in request) return [];",
    caughtBy: { test: 'cli/certificates/certificates.test.ts', only: 'names its user' },
  },
  {
    name: 'a Secret of others is not overwritten with a certificate',
    file: 'cli/certificates/secret-store.ts',
    from: 'if (secret.type !== ownSecretType) {',
    to: 'if (secret.type === undefined) {',
    caughtBy: { test: 'cli/certificates/secret-store.test.ts' },
  },
  {
    name: 'an agent that a user has cordoned or drained gets no Syncs',
    file: 'agent/balance/loads.ts',
    from: '&& !isHeld(one) && (!best',
    to: '&& (!best',
    caughtBy: { test: 'agent/balance/assign.test.ts', only: 'agents that users hold get nothing' },
  },
  {
    name: 'charts: no other address than that of Prometheus is contacted',
    file: 'api/charts/prometheus.ts',
    from: "signal, redirect: 'error' }",
    to: 'signal }',
    caughtBy: { test: 'api/prometheus.test.ts', only: 'nothing else is contacted' },
  },
];
