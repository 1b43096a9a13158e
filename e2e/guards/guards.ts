// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import { caughtByModel } from './caught-by-model.ts';
import type { Guard } from './guard.ts';
import { ofDatabases } from './of-databases.ts';
import { ofEngine } from './of-engine.ts';
import { ofEtcd } from './of-etcd.ts';
import { ofHostileNames } from './of-hostile-names.ts';
import { ofHttp } from './of-http.ts';
import { ofKafka } from './of-kafka.ts';
import { ofMongodb } from './of-mongodb.ts';
import { ofMysqlRights } from './of-mysql-rights.ts';
import { ofOrdersAndFiles } from './of-orders-and-files.ts';
import { ofPasswords } from './of-passwords.ts';
import { ofPlannedFacts } from './of-planned-facts.ts';
import { ofRecords } from './of-records.ts';
import { ofS3 } from './of-s3.ts';
import { ofSqlServer } from './of-sqlserver.ts';

/**
 * Each of them prevents rows from being silently lost, doubled or changed: if one is removed, a test fails. To add one, add an entry
 * here; run it alone with `node --test --test-name-pattern 'ITS NAME' e2e/guards.test.ts`.
 */
export const guards: readonly Guard[] = [
  ...caughtByModel,
  ...ofDatabases,
  ...ofEngine,
  ...ofPlannedFacts,
  ...ofOrdersAndFiles,
  ...ofMysqlRights,
  ...ofPasswords,
  ...ofHostileNames,
  ...ofEtcd,
  ...ofHttp,
  ...ofKafka,
  ...ofMongodb,
  ...ofRecords,
  ...ofS3,
  ...ofSqlServer,
  {
    name: 'the epoch goes before the revision',
    file: 'core/token.ts',
    from: 'return (BigInt(epoch) << revisionBits) | revision;',
    to: 'return revision;',
    caughtBy: { test: 'core/token.test.ts' },
  },
  {
    name: 'a slot is given only to the holder of the lock of the sync',
    file: 'coordination/session/slots.ts',
    from: 'compare: [lock.condition, { key, create: 0n }],',
    to: 'compare: [{ key, create: 0n }],',
    caughtBy: { test: 'coordination/cluster.test.ts', only: 'lock of the sync' },
  },
  {
    name: 'a write of a sync is conditional on its lock',
    file: 'coordination/session/lock.ts',
    from: '{ compare: [this.condition], success }',
    to: '{ compare: [], success }',
    caughtBy: { test: 'coordination/session/session.test.ts', only: 'of many locks' },
  },
  {
    name: 'a leader writes only under its key',
    file: 'coordination/session/election.ts',
    from: 'const compare = [{ key: this.#input.keys.leader, create: this.#revision }];',
    to: 'const compare = [] as const;',
    caughtBy: { test: 'coordination/faults.test.ts', only: 'the key of the leader' },
  },
  {
    name: 'a renewal counts from when it was sent',
    file: 'coordination/session/lease.ts',
    from: 'this.#deadlineMs = deadlineAfter(sentMs, this.ttlMs);',
    to: 'this.#deadlineMs = deadlineAfter(this.#clock.monotonicMs(), this.ttlMs);',
    caughtBy: { test: 'coordination/session/lease.test.ts' },
  },
  {
    name: 'an answer after the deadline has no effect',
    file: 'coordination/session/lease.ts',
    from: 'if (!this.isAlive()) return;\n        if (ttlSeconds',
    to: 'if (ttlSeconds',
    caughtBy: { test: 'coordination/session/lease.test.ts' },
  },
  {
    name: 'the operator does not put an older DataSource over a newer one',
    file: 'operator/controllers/data-source.ts',
    from: 'if (!isFresh && (!isSame || isInvalid)) await requireNewest(deps, dataSources, object, stored, signal);',
    to: '',
    caughtBy: { test: 'operator/newest.test.ts', only: 'DataSource' },
  },
  {
    name: 'the operator does not put an older Sync over a newer one',
    file: 'operator/controllers/sync.ts',
    from: 'if (!isSame && !isFresh) await requireNewest(deps, syncs, object, stored, signal);',
    to: '',
    caughtBy: { test: 'operator/newest.test.ts', only: 'older Sync' },
  },
  {
    name: 'the operator does not change what another installation manages',
    file: 'operator/controllers/ownership.ts',
    from: 'if (owner !== undefined) return owner === this.installation ? undefined : owner;',
    to: 'if (owner !== undefined) return undefined;',
    caughtBy: { test: 'operator/controllers/ownership.test.ts' },
  },
  {
    name: 'a watch of a restored Kubernetes does not wait for a version of the future',
    file: 'operator/runtime/reflector.ts',
    from: 'return isNewer(this.#newest, resourceVersion);',
    to: 'return false;',
    caughtBy: { test: 'operator/runtime/reflector-restored.test.ts', only: 'is listed again' },
  },
  {
    name: 'a jump of the wall clock releases no deleted object',
    file: 'core/deletion-ages.ts',
    from: 'if (begins && !this.#deletions.has(uid)) this.#add(uid, 0);',
    to: 'if (begins) this.ageOf(uid, deletedAt);',
    caughtBy: { test: 'core/deletion-ages.test.ts', only: 'jumps of the wall clock' },
  },
  {
    name: 'agents read no manifest of a namespace that they do not watch',
    file: 'agent/watched-namespaces.ts',
    from: 'if (watched.includes(namespace)) return;',
    to: 'if (namespace) return;',
    caughtBy: { test: 'agent/watched-namespaces.test.ts' },
  },
  {
    name: 'MySQL: nobody claims while a table is swapped in',
    file: 'connectors/mysql/destination/commit-rows.ts',
    from: 'AND token = ${token} AND closed = 0 FOR UPDATE`,',
    to: 'AND token = ${token} AND closed = 0`,',
    caughtBy: { test: 'connectors/mysql/destination/swap.test.ts', only: 'nobody claims' },
  },
  {
    name: 'MySQL: by id safetyLag adds to the bound of transactions',
    file: 'connectors/mysql/source/late-row-bound.ts',
    from: 'mark.atMicros < limit && mark.atMicros <= aged',
    to: 'mark.atMicros <= aged',
    caughtBy: { test: 'connectors/mysql/source/safety-lag.test.ts', only: 'by id' },
  },
];
