import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { manifests } from '../connectors/catalog.ts';
import { apiVersion, type ManifestKind } from '../core/manifest/names.ts';
import { type KubernetesApi, kubernetesApi } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { generatedFiles, staleFiles } from './generate.ts';

type Fields = Readonly<Record<string, unknown>>;

const ends = {
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
  destination: { dataSource: 'warehouse', table: 'sales.orders' },
};
const good = { ...ends, mode: 'Id' };
const server = { host: 'db', database: 'shop', user: 'idra' };
const reference = { name: 'shop-db', key: 'tls.crt' };

function sync(change: Fields): readonly ['Sync', Fields] {
  return ['Sync', { ...good, ...change }];
}
function from(change: Fields): readonly ['Sync', Fields] {
  return sync({ source: { ...ends.source, ...change } });
}
function to(change: Fields): readonly ['Sync', Fields] {
  return sync({ destination: { ...ends.destination, ...change } });
}
function dataSource(spec: Fields): readonly ['DataSource', Fields] {
  return ['DataSource', spec];
}

/** The invalid fields, the path of the expected error, and the text that must name the valid values. */
const wrong: readonly (readonly [readonly [ManifestKind, Fields], path: string, says: string])[] = [
  [sync({ mode: undefined }), 'spec.mode', ''],
  [sync({ mode: 'Ids' }), 'spec.mode', ''],
  [
    sync({ source: { dataSource: 'shop', table: 't' } }),
    'spec.source.idField',
    'name the ascending column in source.idField',
  ],
  [
    sync({ mode: 'LastDestinationId', source: { dataSource: 'shop', table: 't' } }),
    'spec.source.idField',
    'source.idField',
  ],
  [sync({ mode: 'Timestamp' }), 'spec.source.timestampField', 'in source.timestampField'],
  [sync({ mode: 'Snapshot', writeMode: 'Append' }), 'spec.writeMode', 'or schedule: { once: true }'],
  [sync({ writeMode: 'Replace' }), 'spec.writeMode', 'use mode Snapshot, or writeMode Upsert'],
  [sync({ mode: 'LastDestinationId', onError: 'Skip' }), 'spec.onError', 'use onError Stop'],
  [sync({ onError: 'DeadLetter' }), 'spec.onError', 'use Stop or Skip'],
  [sync({ deletes: 'Hard' }), 'spec.deletes', 'or deletes Ignore'],
  [sync({ transforms: [{ drop: ['a'] }] }), 'spec.transforms', 'a source.query can'],
  [sync({ schedule: { every: '10s', once: true } }), 'spec.schedule', 'keep one of them'],
  [sync({ schedule: {} }), 'spec.schedule', 'keep one of them'],
  [sync({ schedule: { every: '10' } }), 'spec.schedule.every', 'ms, s, m or h: 10s'],
  [sync({ schedule: { every: '0s' } }), 'spec.schedule.every', 'an integer above 0'],
  [sync({ schedule: { cron: 'hourly' } }), 'spec.schedule.cron', 'five or six fields'],
  [sync({ schedule: { continuous: false } }), 'spec.schedule.continuous', ''],
  [
    sync({ schedule: { every: '1m', timeZone: 'Europe/Rome' } }),
    'spec.schedule.timeZone',
    'or set schedule.cron',
  ],
  [sync({ safetyLag: '5 s' }), 'spec.safetyLag', 'ms, s, m or h: 10s'],
  [sync({ batch: { maxRows: 0 } }), 'spec.batch.maxRows', ''],
  [sync({ batch: { maxBytes: '8MB' } }), 'spec.batch.maxBytes', 'with Ki, Mi or Gi'],
  [sync({ placement: { weight: 0 } }), 'spec.placement.weight', ''],
  [
    from({ query: 'select 1', key: ['id'] }),
    'spec.source',
    'set one of source.table, source.query, source.collection, source.topic, source.path and source.prefix',
  ],
  [
    from({ table: undefined }),
    'spec.source',
    'set one of source.table, source.query, source.collection, source.topic, source.path and source.prefix',
  ],
  [from({ table: undefined, query: 'select 1' }), 'spec.source.key', 'name the columns that identify a row'],
  [from({ key: ['id', 'id'] }), 'spec.source.key', 'name each column once'],
  [from({ key: [] }), 'spec.source.key', ''],
  [from({ dataSource: 'Shop' }), 'spec.source.dataSource', 'lower case letters'],
  [from({ paging: {} }), 'spec.source.paging', 'keep the one that the API has'],
  [from({ paging: { pageParam: 'p' } }), 'spec.source.paging', 'source.paging is used with source.path only'],
  [
    sync({ mode: 'Stream', source: { ...ends.source, startFrom: 'Latest' } }),
    'spec.source.startFrom',
    'with source.collection or source.topic only',
  ],
  [
    from({ table: undefined, path: '/v1/orders', envelope: 'Debezium' }),
    'spec.source.envelope',
    'with source.topic only',
  ],
  [to({ partitions: 3 }), 'spec.destination.partitions', 'with destination.topic only'],
  [
    to({ table: undefined }),
    'spec.destination',
    'set one of destination.table, destination.collection, destination.topic, destination.path and destination.prefix',
  ],
  [to({ key: ['id', 'id'] }), 'spec.destination.key', 'name each column once'],
  [to({ dataSource: 'shop', table: 'public.orders' }), 'spec.destination.table', 'another DataSource'],
  [
    dataSource({}),
    'spec.postgres',
    'keep one of postgres, mysql, sqlite, sqlserver, mongodb, kafka, http, s3',
  ],
  [
    dataSource({ postgres: server, mysql: server }),
    'spec.postgres',
    'keep one of postgres, mysql, sqlite, sqlserver, mongodb, kafka, http, s3',
  ],
  [dataSource({ http: { url: 'ftp://api' } }), 'spec.http.url', 'write a URL'],
  [dataSource({ sqlite: { path: '/data/a.db' } }), 'spec.placement', 'pin it to the agent'],
  [
    dataSource({ sqlite: { path: '/data/a.db' }, placement: { agentSelector: {} } }),
    'spec.placement',
    'pin it to the agent',
  ],
  [dataSource({ postgres: { ...server, host: undefined } }), 'spec.postgres.host', ''],
  [dataSource({ postgres: { ...server, port: 65_536 } }), 'spec.postgres.port', ''],
  [dataSource({ postgres: { ...server, host: 'http://db' } }), 'spec.postgres.host', 'a host name'],
  [
    dataSource({ postgres: { ...server, tls: { certSecretRef: reference } } }),
    'spec.postgres.tls',
    'set both',
  ],
  [dataSource({ mysql: { ...server, tls: { keySecretRef: reference } } }), 'spec.mysql.tls', 'set both'],
  [
    dataSource({ mysql: { ...server, passwordSecretRef: { name: 'a' } } }),
    'spec.mysql.passwordSecretRef.key',
    '',
  ],
  [dataSource({ mysql: server, maxConcurrentSyncs: -1 }), 'spec.maxConcurrentSyncs', ''],
];

/** Unknown fields: `kubectl` validates strictly. */
const unknown: readonly (readonly [readonly [ManifestKind, Fields], path: string])[] = [
  [from({ tabel: 'orders' }), 'spec.source.tabel'],
  [sync({ modus: 'Id' }), 'spec.modus'],
  [dataSource({ postgres: { ...server, password: 'hunter2' } }), 'spec.postgres.password'],
];

function manifestOf(name: string, [kind, spec]: readonly [ManifestKind, Fields]): string {
  return stringify({ apiVersion, kind, metadata: { name }, spec }, { keepUndefined: false });
}

test('the generated files are those of the schemas', () => {
  assert.deepEqual(staleFiles(), []);
});

test('our own validation refuses each wrong manifest, and names the field and a remedy', () => {
  for (const [[kind, spec], path, says] of wrong) {
    const { findings } = manifests.examine(kind, JSON.parse(JSON.stringify(spec)), 'cluster');
    const found = findings.find((each) => each.path === path);
    assert.ok(found?.fix, `${path} of ${JSON.stringify(spec)}: ${JSON.stringify(findings)}`);
    assert.ok(found.fix.includes(says) || found.message.includes(says), `${found.message}; ${found.fix}`);
  }
  for (const [[kind, spec], path] of unknown) {
    assert.ok(
      manifests.examine(kind, spec, 'cluster').findings.some((each) => each.path === path),
      path,
    );
  }
});

describe('the API server of Kubernetes', () => {
  let api: KubernetesApi;
  before(async () => {
    api = await kubernetesApi();
    for (const [path, text] of generatedFiles()) if (path.startsWith('crds/')) await api.apply(text);
    await until(async () => (await api.kubectl(['get', 'syncs,datasources'])).code === 0, {
      what: 'the custom resources to be served',
    });
  });
  after(async () => {
    await api?.stop();
  });

  test('refuses each wrong manifest with the same message', async () => {
    const all = [...wrong.map(([manifest]) => manifest), ...unknown.map(([manifest]) => manifest)];
    const input = all.map((manifest, index) => manifestOf(`wrong-${index}.x`, manifest)).join('---\n');
    const { stdout, stderr } = await api.kubectl(['create', '-f', '-'], { input });
    assert.equal(stdout, '', 'none was taken');
    const errors = stderr.split(/\n(?=The |Error from server)/);
    for (const [index, [[, spec], path, says]] of wrong.entries()) {
      const error = errors.find((each) => each.includes(`wrong-${index}.x`)) ?? '';
      assert.ok(
        error.includes(path) && error.includes(says),
        `${path} "${says}" of ${JSON.stringify(spec)}: ${error}`,
      );
      assert.doesNotMatch(error, /rule evaluation error|no such key/);
    }
    for (const [, path] of unknown) assert.ok(stderr.includes(`unknown field "${path}"`), path);
    assert.doesNotMatch(stderr, /hunter2/);
  });

  test('fills in the defaults that our own validation fills in', async () => {
    await api.apply(manifestOf('orders', ['Sync', { ...good, batch: { maxRows: 5_000 } }]));
    await api.apply(manifestOf('shop', ['DataSource', { postgres: server }]));
    for (const [kind, name, spec] of [
      ['Sync', 'orders', { ...good, batch: { maxRows: 5_000 } }],
      ['DataSource', 'shop', { postgres: server }],
    ] as const) {
      const { stdout } = await api.kubectl(['get', kind.toLowerCase(), name, '-o', 'json']);
      const examined = manifests.examine(kind, spec, 'cluster').spec;
      assert.deepEqual(JSON.parse(stdout).spec, JSON.parse(JSON.stringify(examined)));
    }
  });

  test('takes every kind of schedule, a query, and a pinned SQLite file', async () => {
    const fine: readonly (readonly [ManifestKind, Fields])[] = [
      sync({ schedule: { cron: '*/5 * * * *', timeZone: 'Europe/Rome' }, safetyLag: '0s' }),
      sync({
        schedule: { continuous: true },
        writeMode: 'Append',
        placement: { agentSelector: { zone: 'a' }, weight: 3 },
      }),
      sync({ mode: 'Snapshot', writeMode: 'Append', schedule: { once: true } }),
      sync({ mode: 'Snapshot', writeMode: 'Replace', onError: 'Skip', batch: { maxBytes: '1Gi' } }),
      from({ table: undefined, query: 'select id from orders', key: ['id'] }),
      dataSource({
        sqlite: { path: '/data/a.db' },
        placement: { agentSelector: { 'statefulset.kubernetes.io/pod-name': 'idra-agent-0' } },
      }),
      dataSource({
        mysql: { ...server, tls: { mode: 'VerifyFull', certSecretRef: reference, keySecretRef: reference } },
        maxConcurrentSyncs: 1,
      }),
    ];
    const { stderr, code } = await api.kubectl(['create', '-f', '-'], {
      input: fine.map((each, index) => manifestOf(`fine-${index}`, each)).join('---\n'),
    });
    assert.equal(code, 0, stderr);
    for (const [kind, spec] of fine)
      assert.deepEqual(manifests.examine(kind, JSON.parse(JSON.stringify(spec)), 'cluster').findings, []);
  });

  test('prints the columns of the contract', async () => {
    const now = new Date().toISOString();
    const counts = { read: 2_000_413, written: 2_000_413, deleted: 0, rejected: 0 };
    const status = {
      state: 'Running',
      agent: 'idra-agent-1',
      rows: counts,
      lag: '2s',
      lastSyncTime: now,
      offset: '41',
      rate: '120/s',
      message: 'reading',
    };
    const patch = [
      'patch',
      'sync',
      'orders',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ];
    assert.equal((await api.kubectl(patch)).stderr, '');
    const table = async (...args: string[]) =>
      (await api.kubectl(['get', ...args])).stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/));
    const [heads, cells] = await table('sy', 'orders');
    assert.deepEqual(heads, [
      'NAME',
      'SOURCE',
      'DESTINATION',
      'MODE',
      'STATE',
      'AGENT',
      'ROWS',
      'LAG',
      'LAST SYNC',
      'AGE',
    ]);
    assert.deepEqual(cells?.slice(0, 8), [
      'orders',
      'shop',
      'warehouse',
      'Id',
      'Running',
      'idra-agent-1',
      '2000413',
      '2s',
    ]);
    assert.match(cells?.[8] ?? '', /^\d+s$/);
    const [wideHeads] = await table('syncs', '-o', 'wide');
    assert.deepEqual(wideHeads?.slice(10), ['OFFSET', 'RATE', 'MESSAGE']);
    const [sourceHeads] = await table('dsrc', '-o', 'wide');
    assert.deepEqual(sourceHeads, ['NAME', 'TYPE', 'READY', 'VERSION', 'SYNCS', 'AGE', 'MESSAGE']);
    assert.match(
      (await api.kubectl(['get', 'idra', '-o', 'name'])).stdout,
      /datasource\.idra\.dev\/shop[\s\S]*sync\.idra\.dev\/orders/,
    );
  });

  test('describes each field', async () => {
    for (const kind of ['sync', 'datasource']) {
      const { stdout } = await api.kubectl(['get', '--raw', '/openapi/v3/apis/idra.dev/v1alpha1']);
      const { components } = JSON.parse(stdout) as { components: { schemas: Record<string, Schema> } };
      const [, schema] =
        Object.entries(components.schemas).find(([name]) =>
          name.toLowerCase().endsWith(`v1alpha1.${kind}`),
        ) ?? [];
      for (const part of ['spec', 'status'])
        assert.deepEqual(silent(schema?.properties?.[part] ?? {}, part), []);
    }
    const explained = await api.kubectl(['explain', 'sync.spec.safetyLag']);
    assert.match(explained.stdout, /Minimum age of a row/);
  });
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Fields without a description. */
function silent(schema: Schema, path: string): string[] {
  return Object.entries(schema.items?.properties ?? schema.properties ?? {}).flatMap(([name, field]) => [
    ...(/^[A-Z\d].+\.$/s.test(field.description ?? '') || /^true: /.test(field.description ?? '')
      ? []
      : [`${path}.${name}`]),
    ...silent(field, `${path}.${name}`),
  ]);
}
