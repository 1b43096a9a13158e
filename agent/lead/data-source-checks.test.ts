import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from '../../connectors/catalog.ts';
import type { ClusterView, DataSourceReport } from '../../coordination/contract.ts';
import { silentLog } from '../../core/log.ts';
import { Secret } from '../../core/secret.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { checkDataSources } from './data-source-checks.ts';

test('a DataSource that is not Ready is checked again as soon as its Secret has changed', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const reports: DataSourceReport[] = [];
  const passwordSecretRef = { name: 'shop-db', key: 'password' };
  const dataSource = {
    uid: 'd',
    namespace: 'default',
    name: 'shop',
    generation: 1,
    createdAt: '',
    version: '1',
    spec: { postgres: { host: 'db', database: 'd', user: 'u', passwordSecretRef } },
  };
  let password = 'wrong';
  const ask = async () =>
    password === 'right'
      ? { id: '1', agent: 'a', result: { version: '15', findings: [] } }
      : { id: '1', agent: 'a', error: { code: 'AuthenticationFailed', message: 'refused' } };
  const deps = {
    coordination: {
      reports: {
        readDataSources: async () => [],
        putDataSource: async (each: never) => void reports.push(each),
      },
      probes: { ask },
    },
    session: { agent: { name: 'leader' } },
    manifests,
    secrets: { read: async () => new Secret(password) },
    clock,
    log: silentLog,
  };
  const view = { dataSources: new Map([['default/shop', dataSource]]) } as unknown as ClusterView;
  const running = checkDataSources(deps as never, view, stop.signal);
  await clock.advance(20_000);
  assert.deepEqual(
    reports.map(({ code }) => code),
    ['AuthenticationFailed'],
    'the same password is not tried again and again',
  );
  password = 'right';
  await clock.advance(6_000);
  assert.deepEqual(
    reports.map(({ isReachable }) => isReachable),
    [false, true],
  );
  stop.abort();
  await running;
});

test('a DataSource that was deleted and created again is checked at once, although its generation is the same', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const reports: DataSourceReport[] = [];
  const made = (uid: string) => ({
    uid,
    namespace: 'default',
    name: 'shop',
    generation: 1,
    createdAt: '',
    version: '1',
    spec: { postgres: { host: 'db', database: 'd', user: 'u' } },
  });
  const deps = {
    coordination: {
      reports: {
        readDataSources: async () => [],
        putDataSource: async (each: never) => void reports.push(each),
      },
      probes: { ask: async () => ({ id: '1', agent: 'a', result: { version: '15', findings: [] } }) },
    },
    session: { agent: { name: 'leader' } },
    manifests,
    secrets: { read: async () => new Secret('') },
    clock,
    log: silentLog,
  };
  const dataSources = new Map([['default/shop', made('first')]]);
  const running = checkDataSources(deps as never, { dataSources } as unknown as ClusterView, stop.signal);
  await clock.advance(2_000);
  dataSources.set('default/shop', made('second'));
  await clock.advance(2_000);
  assert.deepEqual(
    reports.map(({ uid }) => uid),
    ['first', 'second'],
  );
  stop.abort();
  await running;
});

test('a hundred DataSources of one namespace whose servers do not answer delay no other namespace', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const made = (namespace: string, name: string) => ({
    uid: `${namespace}/${name}`,
    namespace,
    name,
    generation: 1,
    createdAt: '',
    version: '1',
    spec: { postgres: { host: 'db', database: 'd', user: 'u' } },
  });
  const ask = async ({ subject }: { readonly subject: string }) => {
    asked.push(subject);
    if (subject.startsWith('stalling/')) await clock.sleep(30_000, stop.signal).catch(() => {});
    return { id: '1', agent: 'a', result: { version: '15', findings: [] } };
  };
  const deps = {
    coordination: {
      reports: { readDataSources: async () => [], putDataSource: async () => {} },
      probes: { ask },
    },
    session: { agent: { name: 'leader' } },
    manifests,
    secrets: { read: async () => new Secret('') },
    clock,
    log: silentLog,
  };
  const all = [...Array.from({ length: 100 }, (_, at) => made('stalling', `d${at}`)), made('other', 'shop')];
  const dataSources = new Map(all.map((each) => [each.uid, each]));
  const running = checkDataSources(deps as never, { dataSources } as unknown as ClusterView, stop.signal);
  await clock.advance(2_000);
  assert.ok(asked.includes('other/shop'), asked.join());
  stop.abort();
  await running;
});
