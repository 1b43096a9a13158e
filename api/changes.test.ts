import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DocumentStore } from '../coordination/documents.ts';
import { agentOf } from '../coordination/test-etcd.ts';
import { transient } from '../core/errors.ts';
import { until } from '../e2e/kit/wait.ts';
import type { AuditEntry } from './audit/contract.ts';
import type { BulkResult, SyncDetail, SyncList } from './contract/index.ts';
import type { TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec, startCluster, type TestCluster } from './test-cluster.ts';

interface Applied {
  readonly action: string;
  readonly version?: string;
  readonly spec: { readonly schedule: { readonly every: string } };
}

describe('changes', () => {
  let cluster: TestCluster;
  let admin: TestClient;
  let isAuditDown = false;
  before(async () => {
    const documents = (of: DocumentStore): DocumentStore => ({
      ...of,
      async write(writes) {
        if (isAuditDown && writes.some(({ key }) => key.startsWith('audit/')))
          throw transient('EtcdUnavailable', 'etcd does not answer');
        await of.write(writes);
      },
    });
    cluster = await startCluster({ documents });
    admin = await cluster.api.admin();
    for (const name of ['shop', 'warehouse'])
      await admin.send('POST', '/datasources/team-a', { name, spec: postgresSpec('db') });
    await visible('/datasources/team-a/warehouse');
  });
  after(() => cluster?.stop());

  /** A watch brings a change to the lists. */
  const visible = (path: string) =>
    until(async () => (await admin.call(path)).status === 200, { what: path });
  const create = async (name: string, more: object = {}) => {
    const made = await admin.send<Applied>('POST', '/syncs/team-a', { name, spec: ordersSpec(more) });
    await visible(`/syncs/team-a/${name}`);
    return made;
  };
  const entries = async (query = '') =>
    (await admin.get<{ items: readonly AuditEntry[] }>(`/audit?${query}`)).items;

  test('a Sync is created with defaults, and every error of a wrong one is told with its field', async () => {
    const { action, spec, version } = await create('orders');
    assert.deepEqual([action, spec.schedule.every], ['created', '10s']);
    assert.ok(version);
    const problem = await admin.refused(422, 'ManifestInvalid', '/syncs/team-a', {
      method: 'POST',
      body: { name: 'wrong', spec: { ...ordersSpec(), mode: 'Idd', schedul: {} } },
    });
    assert.deepEqual(
      problem.findings.map(({ path, fix }) => [path, fix]),
      [
        [
          'spec.mode',
          'did you mean Id? Use one of Snapshot, Id, Timestamp, LastDestinationId, LastDestinationTimestamp, Stream',
        ],
        ['spec.schedul', 'did you mean schedule?'],
      ],
    );
    const missing = await admin.refused(422, 'ManifestInvalid', '/syncs/team-a', {
      method: 'POST',
      body: {
        name: 'wrong',
        spec: { ...ordersSpec(), source: { dataSource: 'shp', table: 'a.b', idField: 'id' } },
      },
    });
    assert.deepEqual(
      missing.findings.map(({ path, fix }) => [path, fix]),
      [['spec.source.dataSource', 'did you mean shop?']],
    );
    await admin.refused(412, 'VersionChanged', '/syncs/team-a', {
      method: 'POST',
      body: { name: 'orders', spec: ordersSpec() },
    });
    await admin.refused(422, 'ManifestInvalid', '/syncs/team-a', {
      method: 'POST',
      body: { name: 'Wrong_name', spec: ordersSpec() },
    });
  });

  test('a change needs the version that was read; of two editors the second is told', async () => {
    const { version = '' } = await create('edited');
    const change = (every: string) => ({
      method: 'PUT',
      body: { spec: ordersSpec({ schedule: { every } }) },
    });
    await admin.refused(428, 'VersionNeeded', '/syncs/team-a/edited', change('20s'));
    const dry = await admin.send<Applied>('PUT', '/syncs/team-a/edited?dryRun=true', change('20s').body, {
      'if-match': `"${version}"`,
    });
    assert.equal(dry.action, 'configured');
    const first = await admin.call('/syncs/team-a/edited', {
      ...change('20s'),
      headers: { 'if-match': `"${version}"` },
    });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('etag'), `"${(first.body as Applied).version}"`);
    await admin.refused(412, 'VersionChanged', '/syncs/team-a/edited', {
      ...change('30s'),
      headers: { 'if-match': `"${version}"` },
    });
    const shown = await until(
      async () => {
        const { object, version: now } = await admin.get<SyncDetail>('/syncs/team-a/edited');
        return now === (first.body as Applied).version && object;
      },
      { what: 'the new version' },
    );
    assert.equal((shown.spec as Applied['spec']).schedule.every, '20s');
  });

  test('namespaces and labels that Kubernetes would refuse are refused without it too', async () => {
    for (const namespace of ['a%2Fb', 'Team', 'x%00y'])
      await admin.refused(422, 'ManifestInvalid', `/datasources/${namespace}`, {
        method: 'POST',
        body: { name: 'shop', spec: postgresSpec('db') },
      });
    const labels = { 'a b': 'c d' };
    const body = { name: 'labelled', spec: ordersSpec(), labels };
    const { findings } = await admin.refused(422, 'ManifestInvalid', '/syncs/team-a', {
      method: 'POST',
      body,
    });
    assert.deepEqual(
      findings.map(({ path }) => path),
      ['metadata.labels'],
    );
    await admin.refused(422, 'ManifestInvalid', '/sync-actions', {
      method: 'POST',
      body: { action: 'label', targets: [{ namespace: 'team-a', name: 'orders' }], labels },
    });
  });

  test('many new Syncs at once: each is created or refused, a dry run creates none, and the audit log has each', async () => {
    const items = [
      { name: 'batch-a', spec: ordersSpec() },
      { name: 'batch-a', spec: ordersSpec() },
      { name: 'batch-b', spec: ordersSpec({ mode: 'Idd' }) },
      { name: 'batch-c', spec: ordersSpec() },
      { name: 'orders', spec: ordersSpec() },
    ];
    const expected = [
      ['batch-a', 'done', undefined],
      ['batch-a', 'refused', 'ManifestInvalid'],
      ['batch-b', 'refused', 'ManifestInvalid'],
      ['batch-c', 'done', undefined],
      ['orders', 'refused', 'VersionChanged'],
    ];
    const ask = async (query: string) => {
      const result = await admin.send<BulkResult>('POST', `/sync-batches/team-a${query}`, { items });
      assert.deepEqual(
        result.items.map(({ name, outcome, code }) => [name, outcome, code]),
        expected,
      );
      assert.match(result.items[4]?.message ?? '', /exists already/);
    };
    await ask('?dryRun=true');
    assert.deepEqual((await entries('action=createSyncs')).length, 0);
    await ask('');
    await visible('/syncs/team-a/batch-c');
    const made = (await entries('action=createSyncs')).filter(({ outcome }) => outcome === 'Done');
    assert.deepEqual(made.map(({ object }) => object).sort(), ['Sync team-a/batch-a', 'Sync team-a/batch-c']);
    const ana = await cluster.api.user('ana-b', [{ role: 'editor', namespaces: ['team-b'] }]);
    await ana.refused(403, 'AccessDenied', '/sync-batches/team-a', { method: 'POST', body: { items } });
  });

  test('suspend, labels, and many at once with an outcome for each', async () => {
    await create('one');
    await create('two');
    await admin.send('PUT', '/syncs/team-a/one/suspended', { isSuspended: true });
    await until(async () => (await admin.get<SyncDetail>('/syncs/team-a/one')).row.state === 'Suspended', {
      what: 'suspended',
    });
    const targets = ['one', 'two', 'none'].map((name) => ({ namespace: 'team-a', name }));
    const result = await admin.send<{
      items: { name: string; outcome: string; code?: string }[];
      done: number;
    }>('POST', '/sync-actions', { action: 'label', labels: { tier: 'gold' }, targets });
    assert.deepEqual(
      result.items.map(({ name, outcome, code }) => [name, outcome, code]),
      [
        ['one', 'done', undefined],
        ['two', 'done', undefined],
        ['none', 'refused', 'SyncNotFound'],
      ],
    );
    await until(async () => (await admin.get<SyncList>('/syncs?label=tier=gold')).total === 2, {
      what: 'labels',
    });
    await admin.refused(412, 'VersionChanged', '/sync-actions', {
      method: 'POST',
      body: { action: 'suspend', query: { label: 'tier=gold' }, expected: 1 },
    });
    const all = await admin.send<{ done: number; refused: number }>('POST', '/sync-actions', {
      action: 'suspend',
      query: { label: 'tier=gold' },
      expected: 2,
    });
    assert.deepEqual([all.done, all.refused], [2, 0]);
    const ana = await cluster.api.user('ana', [{ role: 'editor', namespaces: ['team-b'] }]);
    const refused = await ana.send<{ items: { code?: string }[] }>('POST', '/sync-actions', {
      action: 'delete',
      targets: [{ namespace: 'team-a', name: 'one' }],
    });
    assert.equal(refused.items[0]?.code, 'AccessDenied');
  });

  test('a request waits for an agent, and its answer or refusal is told', async () => {
    await create('asked');
    const { id, state } = await admin.send<{ id: string; state: string }>(
      'POST',
      '/syncs/team-a/asked/requests',
      {
        type: 'run-now',
      },
    );
    assert.equal(state, 'Posted');
    const { pending } = await admin.get<{ pending: { id: string; by: string }[] }>(
      '/syncs/team-a/asked/requests',
    );
    assert.deepEqual(
      pending.map(({ id: each, by }) => [each, by]),
      [[id, 'admin']],
    );
    const session = await cluster.coordination.join(agentOf('a-0'), { leaseTtlMs: 10_000 });
    try {
      const { object } = await admin.get<SyncDetail>('/syncs/team-a/asked');
      const { uid } = object.metadata;
      const lock = await session.store.acquire({ uid, namespace: 'team-a', name: 'asked' });
      assert.ok(lock);
      const finish = async (type: 'offset' | 'run-now', answer: 'Done' | 'Refused', message: string) => {
        const asked = await until(
          async () => (await cluster.coordination.requests.pending(uid)).find((each) => each.type === type),
          { what: type },
        );
        const time = new Date().toISOString();
        await lock.finishRequest({ type, id: asked.id, state: answer, message, time });
      };
      await finish('run-now', 'Done', 'a pass has started');
      const setting = admin.call('/syncs/team-a/asked/offset?wait=30', {
        method: 'PUT',
        body: { value: '10', expect: '50' },
      });
      await finish('offset', 'Refused', 'the stored offset is 51, not 50');
      const { status, body } = await setting;
      assert.deepEqual([status, (body as { code: string }).code], [409, 'RequestRefused']);
      assert.match((body as { detail: string }).detail, /51, not 50/);
      const again = admin.send<{ state: string; message: string }>(
        'PUT',
        '/syncs/team-a/asked/offset?wait=30',
        {
          value: '10',
          expect: '51',
        },
      );
      await finish('offset', 'Done', 'set from 51 to 10');
      assert.deepEqual((({ state: is, message }) => [is, message])(await again), [
        'Done',
        'set from 51 to 10',
      ]);
      const [entry] = await entries('action=offset');
      assert.deepEqual(
        [entry?.before, entry?.after, entry?.outcome],
        [{ offset: '51' }, { offset: '10' }, 'Done'],
      );
      assert.equal((await entries('action=offset'))[1]?.code, 'RequestRefused');
      await lock.release();
    } finally {
      await session.leave();
    }
  });

  test('a DataSource in use is not deleted; a Sync is deleted by agents', async () => {
    await create('last');
    await admin.refused(409, 'DataSourceInUse', '/datasources/team-a/shop', { method: 'DELETE' });
    await admin.send('DELETE', '/syncs/team-a/last');
    await until(async () => (await admin.get<SyncDetail>('/syncs/team-a/last')).row.state === 'Deleting', {
      what: 'Deleting',
    });
    await admin.send('POST', '/datasources/team-a', { name: 'free', spec: postgresSpec('db') });
    await visible('/datasources/team-a/free');
    await admin.send('DELETE', '/datasources/team-a/free');
    await until(async () => (await admin.call('/datasources/team-a/free')).status === 404, { what: 'gone' });
    await admin.refused(409, 'NotOfferedHere', '/secrets/team-a/shop', {
      method: 'PUT',
      body: { values: { password: 'x' } },
    });
  });

  test('every change has an entry with who, what, before and after, from where; no entry, no change', async () => {
    await create('audited');
    const [entry] = await entries('object=Sync%20team-a/audited');
    assert.deepEqual(
      [entry?.action, entry?.by.user, entry?.by.ip, entry?.outcome, entry?.namespace],
      ['createSync', 'admin', '127.0.0.1', 'Done', 'team-a'],
    );
    assert.match(JSON.stringify(entry?.after), /"mode":"Id"/);
    isAuditDown = true;
    try {
      const problem = await admin.refused(503, 'AuditNotWritten', '/syncs/team-a', {
        method: 'POST',
        body: { name: 'unaudited', spec: ordersSpec() },
      });
      assert.match(problem.detail, /etcd does not answer/);
    } finally {
      isAuditDown = false;
    }
    assert.equal(await cluster.coordination.desired.findSync('team-a', 'unaudited'), undefined);
    const { body, headers } = await admin.call('/audit/export');
    assert.equal(headers.get('content-type'), 'application/jsonl');
    const lines = String(body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry);
    assert.ok(lines.length > 10);
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => (a.id < b.id ? -1 : 1)),
      'newest first',
    );
    const texts = JSON.stringify(lines);
    for (const secret of ['correct horse', 'seven blue', 'quiet river', 'scrypt$'])
      assert.ok(!texts.includes(secret));
    const first = await admin.get<{ items: AuditEntry[]; hasMore: boolean }>('/audit?limit=2');
    const second = await admin.get<{ items: AuditEntry[] }>(`/audit?limit=2&before=${first.items[1]?.id}`);
    assert.ok(first.hasMore && (first.items[1]?.id ?? '') < (second.items[0]?.id ?? ''));
  });
});
