import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { IdraError } from '../errors.ts';
import type { SystemSchema } from './data-source-schema.ts';
import { hostName, port, secretReference, text, tlsObject } from './fields.ts';
import { makeManifestReader } from './reader.ts';
import { parseDuration, parseSize } from './units.ts';

const fields: SystemSchema['fields'] = { source: ['table', 'query'], destination: ['table'] };
const capabilities: SystemSchema['capabilities'] = {
  source: {
    modes: ['Snapshot', 'Id', 'Timestamp'],
    seesDeletes: [],
    hasFixedColumns: true,
    lateRowBound: 'none',
    hasSessionTimeZone: false,
  },
  destination: { writeModes: ['Append', 'Upsert', 'Replace'], hasLargest: true, canDelete: true },
};
const systems: readonly SystemSchema[] = [
  {
    type: 'postgres',
    title: 'PostgreSQL',
    config: z.strictObject({
      host: hostName(),
      port: port(5_432),
      database: text({ max: 128 }),
      user: text({ max: 128 }),
      passwordSecretRef: secretReference().optional(),
      tls: tlsObject(),
    }),
    fields,
    capabilities,
  },
  {
    type: 'sqlite',
    title: 'SQLite',
    config: z.strictObject({ path: text({ max: 9 }) }),
    fields,
    isLocalFile: true,
    capabilities,
  },
];
const reader = makeManifestReader(systems);
const identity = { uid: 'u', namespace: 'team-a', name: 'orders', generation: 3 };
const ends = {
  source: { dataSource: 'shop', table: 'orders', idField: 'id', timestampField: 'updated_at' },
  destination: { dataSource: 'warehouse', table: 'sales.orders' },
};

describe('a Sync', () => {
  test('with only its required fields gets the defaults of the contract', () => {
    assert.deepEqual(reader.readSync({ ...identity, spec: { ...ends, mode: 'Timestamp' } }), {
      ...identity,
      spec: {
        source: ends.source,
        destination: { ...ends.destination, existingRows: 'Refuse' },
        mode: 'Timestamp',
        writeMode: 'Upsert',
        schedule: { kind: 'every', everyMs: 10_000 },
        batch: { maxRows: 50_000, maxBytes: 8 * 1_024 * 1_024 },
        isSuspended: false,
        createTable: 'IfMissing',
        schemaChanges: 'Fail',
        onError: 'Stop',
        deletes: 'Ignore',
        redactsKeys: false,
        placement: { agentSelector: {} },
      },
    });
  });

  const schedules = [
    [{ every: '500ms' }, { kind: 'every', everyMs: 500 }],
    [{ cron: '0 3 * * MON' }, { kind: 'cron', cron: '0 3 * * MON', timeZone: 'UTC' }],
    [
      { cron: '*/5 * * * *', timeZone: 'Europe/Rome' },
      { kind: 'cron', cron: '*/5 * * * *', timeZone: 'Europe/Rome' },
    ],
    [{ continuous: true }, { kind: 'continuous' }],
    [{ once: true }, { kind: 'once' }],
  ] as const;
  for (const [schedule, read] of schedules) {
    test(`is read with schedule ${JSON.stringify(schedule)}`, () => {
      const { spec } = reader.readSync({ ...identity, spec: { ...ends, mode: 'Id', schedule } });
      assert.deepEqual(spec.schedule, read);
    });
  }

  for (const table of [
    '_idra_commits',
    'sales._idra_commits',
    'Sales._IDRA_Commits',
    '"_idra_commits"',
    '"sales"."_idra_commits"',
    'sales._id"ra_"commits',
    '"""_idra_commits"',
    'main._idra_new_0',
  ]) {
    for (const end of ['source', 'destination'] as const) {
      test(`does not name ${table} as its ${end}`, () => {
        const spec = { ...ends, mode: 'Snapshot', [end]: { ...ends[end], table } };
        assert.throws(() => reader.readSync({ ...identity, spec }), {
          code: 'ManifestInvalid',
          path: `spec.${end}.table`,
          message: /begin with _idra_/,
        });
      });
    }
  }

  test('may name tables whose names contain _idra_', () => {
    for (const table of ['x_idra_commits', 'idra_commits', '_idra', 'sales."my_idra_table"']) {
      const spec = { ...ends, mode: 'Snapshot', source: { dataSource: 'shop', table } };
      assert.equal(reader.readSync({ ...identity, spec }).spec.source.table, table);
    }
  });

  test('is read with durations in ms, sizes in bytes, placement, key and safetyLag', () => {
    const { spec } = reader.readSync({
      ...identity,
      spec: {
        ...ends,
        source: { dataSource: 'shop', query: 'select 1', key: ['id'], idField: 'id', timeZone: 'Asia/Tokyo' },
        mode: 'Id',
        safetyLag: '2m',
        batch: { maxRows: 10, maxBytes: '512Ki' },
        placement: { agentSelector: { zone: 'a' }, weight: 5 },
      },
    });
    assert.equal(spec.safetyLagMs, 120_000);
    assert.deepEqual(spec.batch, { maxRows: 10, maxBytes: 512 * 1_024 });
    assert.deepEqual(spec.placement, { agentSelector: { zone: 'a' }, weight: 5 });
    assert.deepEqual(spec.source.key, ['id']);
    assert.equal(spec.source.timeZone, 'Asia/Tokyo');
  });

  test('is suspended by its annotation, whatever its spec contains', () => {
    const spec = (suspend: boolean) => ({ ...ends, mode: 'Id', suspend });
    const read = (suspend: boolean, isSuspendedByAnnotation?: boolean) =>
      reader.readSync({ ...identity, spec: spec(suspend), isSuspendedByAnnotation }).spec.isSuspended;
    assert.deepEqual(
      [read(true), read(false), read(false, true), read(true, false)],
      [true, false, true, false],
    );
  });

  test('that is not valid is a permanent error with the path of the first problem, and lists the others', () => {
    assert.throws(
      () => reader.readSync({ ...identity, spec: { ...ends, mode: 'Ids', writeMode: 'Add' } }),
      (error: unknown) => {
        assert.ok(error instanceof IdraError);
        assert.deepEqual(
          [error.code, error.disposition, error.path],
          ['ManifestInvalid', 'permanent', 'spec.mode'],
        );
        assert.match(
          error.message,
          /mode is "Ids".*spec\.writeMode: writeMode is "Add"; (did you mean|use one of)/,
        );
        return true;
      },
    );
  });

  test('with a typing error gets a suggestion: for a value, and for a field at the wrong level', () => {
    const fixes = (spec: unknown) =>
      Object.fromEntries(
        reader.examine('Sync', spec, 'cluster').findings.map(({ path, fix }) => [path, fix]),
      );
    assert.match(
      fixes({ ...ends, mode: 'timestamp' })['spec.mode'] ?? '',
      /^did you mean Timestamp\? Use one of/,
    );
    assert.match(fixes({ ...ends, mode: 'Sometimes' })['spec.mode'] ?? '', /^use one of/);
    const deep = { ...ends, destination: { ...ends.destination, mode: 'Snapshot' } };
    assert.equal(fixes(deep)['spec.destination.mode'], 'mode is a field of spec: indent it less');
    assert.equal(
      fixes({ ...ends, dataSource: 'shop', mode: 'Snapshot' })['spec.dataSource'],
      'dataSource is a field of spec.source and spec.destination: indent it more',
    );
  });

  test('has unknown fields refused when it is applied, and ignored when it is read back', () => {
    const spec = {
      ...ends,
      source: { ...ends.source, colour: 'red' },
      mode: 'Snapshot',
      wirteMode: 'Append',
    };
    const { findings } = reader.examine('Sync', spec, 'cluster');
    assert.match(findings.map(({ message }) => message).join(), /no field colour.*no field wirteMode/);
    assert.match(findings[1]?.fix ?? '', /did you mean writeMode\?/);
    const admitted = reader.admit('Sync', spec, 'cluster');
    assert.deepEqual(admitted.ignored, ['spec.source.colour', 'spec.wirteMode']);
    assert.deepEqual(admitted.findings, []);
    assert.equal(reader.readSync({ ...identity, spec }).spec.writeMode, 'Upsert');
    assert.equal('wirteMode' in spec, true);
  });

  for (const [change, path, message] of [
    [{ schedule: { cron: '61 * * * *' } }, 'spec.schedule.cron', /not a cron expression/],
    [
      { schedule: { cron: '0 0 30 2 *' } },
      'spec.schedule.cron',
      /never matches: none of its months has such a day/,
    ],
    [
      { schedule: { cron: '0 3 * * *', timeZone: 'Europe/Rom' } },
      'spec.schedule.timeZone',
      /not a time zone/,
    ],
    [{ source: { ...ends.source, timeZone: 'CET+1' } }, 'spec.source.timeZone', /not a time zone/],
    [{ suspend: 'yes' }, 'spec.suspend', /suspend is text and must be true or false/],
    [
      { source: { ...ends.source, key: ['id', 7] } },
      'spec.source.key[1]',
      /key\[1\] is a number and must be text/,
    ],
    [{ source: null }, 'spec.source', /source is empty \(null\) and must be an object/],
    [{ batch: { maxRows: 1.5 } }, 'spec.batch.maxRows', /whole number/],
  ] as const) {
    test(`is refused with ${JSON.stringify(change)}`, () => {
      const { findings } = reader.examine('Sync', { ...ends, mode: 'Id', ...change }, 'single');
      assert.deepEqual(
        findings.map((each) => each.path),
        [path],
      );
      assert.match(findings[0]?.message ?? '', message);
      assert.ok(findings[0]?.fix);
    });
  }
});

describe('a DataSource', () => {
  test('is read with the defaults of its system', () => {
    const postgres = {
      host: 'db',
      database: 'shop',
      user: 'idra',
      passwordSecretRef: { name: 'a', key: 'b' },
    };
    assert.deepEqual(reader.readDataSource({ ...identity, spec: { postgres, maxConcurrentSyncs: 4 } }).spec, {
      type: 'postgres',
      config: { ...postgres, port: 5_432, tls: { mode: 'Prefer' } },
      maxConcurrentSyncs: 4,
      placement: { agentSelector: {} },
    });
  });

  test('of SQLite needs a placement, but only in a cluster', () => {
    const spec = { sqlite: { path: 'a.db' } };
    assert.deepEqual(reader.examine('DataSource', spec, 'single').findings, []);
    assert.deepEqual(
      reader.examine('DataSource', spec, 'cluster').findings.map((each) => each.path),
      ['spec.placement'],
    );
  });

  test('with a value where a Secret reference is expected does not show it in the error', () => {
    const { findings } = reader.examine(
      'DataSource',
      { postgres: { host: 'db', database: 'a', user: 'u', password: 'hunter2' } },
      'single',
    );
    assert.equal(findings[0]?.message, 'there is no field password');
    assert.equal(findings[0]?.fix, 'did you mean passwordSecretRef?');
    assert.doesNotMatch(JSON.stringify(findings), /hunter2/);
  });
});

test('durations and sizes', () => {
  assert.deepEqual(['10s', '1500ms', '2h', '10', '1.5s', '-1s', ''].map(parseDuration), [
    10_000,
    1_500,
    7_200_000,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['8Mi', '512', '1Gi', '8MB', 'Mi'].map(parseSize), [
    8_388_608,
    512,
    1_073_741_824,
    undefined,
    undefined,
  ]);
});
