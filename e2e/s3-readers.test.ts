import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { connector } from '../connectors/s3/connector.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf } from '../connectors/s3/test-harness.ts';
import { installCrashHook } from '../core/crash-points.ts';
import type { Relation, Row } from '../core/values.ts';
import { projectFolder } from './kit/processes.ts';
import { runDuckdb } from './kit/servers.ts';

let bucket: TestBucket;
before(async () => {
  bucket = await TestBucket.open();
});
after(async () => {
  installCrashHook(undefined);
  await bucket?.stop();
});

const relation: Relation = {
  name: 'orders',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
    {
      name: 'total',
      type: { kind: 'decimal', precision: 20, scale: 2 },
      nativeType: 'decimal',
      isNullable: true,
    },
    {
      name: 'created_at',
      type: { kind: 'timestamp', precision: 6, hasZone: true },
      nativeType: 't',
      isNullable: true,
    },
    { name: 'tags', type: { kind: 'array', of: { kind: 'text' } }, nativeType: 'text[]', isNullable: true },
    { name: 'doc', type: { kind: 'json' }, nativeType: 'jsonb', isNullable: true },
  ],
  keys: [],
};

function rowOf(id: number): Row {
  return [BigInt(id), `${id}.50`, `2026-11-2${id % 3} 08:00:00.000001Z`, ['a', null], '{"n": 1}'];
}

const batch = (ids: readonly number[], offset: number) => ({
  ...batchOf(ids, offset),
  rows: { format: 'values' as const, rows: ids.map(rowOf) },
});

/** The statements of the page, for this bucket and prefix. */
async function statementsOfPage(prefix: string): Promise<readonly string[]> {
  const page = await readFile(`${projectFolder}/docs/s3.md`, 'utf8');
  const [, sql = ''] = /```sql\n([\s\S]*?)```/.exec(page) ?? [];
  assert.match(sql, /getvariable/);
  return sql
    .replaceAll('company-lake/warehouse/orders/', `${bucket.name}/${prefix}`)
    .replaceAll('company-lake', bucket.name)
    .replaceAll('UID', 'uid-1')
    .split(/;\s*\n/)
    .filter((statement) => statement.trim() !== '');
}

test('DuckDB reads only what is committed, as the page says, with the types of the columns', async () => {
  const prefix = 'orders/';
  const partitionBy = [{ column: 'created_at', by: 'Day' as const }];
  const destination = await connector.openDestination(
    bucket.access,
    targetOf(prefix, { format: 'Parquet', partitionBy }),
    signal,
  );
  await claimWith(destination, planFor(relation, null));
  await destination.write(batch([1, 2, 3, 4, 5], 5), signal);
  installCrashHook((point) => {
    if (point === 'commit:before') throw new Error('killed here');
  });
  await assert.rejects(destination.write(batch([6, 7], 7), signal));
  installCrashHook(undefined);
  await destination.close();
  const statements = await statementsOfPage(prefix);
  assert.deepEqual(await runDuckdb(bucket.server, statements), [[5]]);
  // Whoever lists the prefix sees more.
  const [[all] = []] = await runDuckdb(bucket.server, [
    `SELECT count(*) FROM read_parquet('s3://${bucket.name}/${prefix}*/*.parquet')`,
  ]);
  assert.equal(all, 7);
  const files = "read_parquet(getvariable('files'), hive_partitioning = true)";
  const settings = statements.slice(0, -1);
  const described = await runDuckdb(bucket.server, [...settings, `DESCRIBE SELECT * FROM ${files}`]);
  assert.deepEqual(
    described.map(([name, type]) => [name, type]),
    [
      ['id', 'BIGINT'],
      ['total', 'DECIMAL(20,2)'],
      ['created_at', 'TIMESTAMP WITH TIME ZONE'],
      ['tags', 'VARCHAR[]'],
      ['doc', 'JSON'],
      ['created_at_day', 'DATE'],
    ],
  );
  const rows = await runDuckdb(bucket.server, [
    "SET TimeZone = 'UTC'",
    ...settings,
    `SELECT id, total::text, created_at::text, tags, doc::text, created_at_day::text FROM ${files} ORDER BY id LIMIT 1`,
  ]);
  assert.deepEqual(rows, [
    [1, '1.50', '2026-11-21 08:00:00.000001+00', ['a', null], '{"n": 1}', '2026-11-21'],
  ]);
});

test('what DuckDB has written is read with all digits', async () => {
  await runDuckdb(bucket.server, [
    `COPY (SELECT i::bigint AS id, (i * 1.01)::decimal(18,2) AS total, TIMESTAMP '2026-11-27 08:00:00' + to_seconds(i) AS at, {'a': i} AS doc, [i, NULL] AS list
      FROM range(3) t(i)) TO 's3://${bucket.name}/duck/x.parquet'`,
  ]);
  const source = await connector.openSource(bucket.access, { prefix: 'duck/', format: 'Parquet' }, signal);
  const found = await source.describe(signal);
  assert.deepEqual(
    found.columns.map(({ name, nativeType }) => `${name} ${nativeType}`),
    ['id int64', 'total decimal(18,2)', 'at timestamp', 'doc json', 'list int64[]'],
  );
  const reading = source.read(
    {
      relation: found,
      columns: found.columns.map((column) => ({ column })),
      mode: 'Snapshot',
      key: [],
      timeZone: 'UTC',
      after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
      limits: { maxRows: 10, maxBytes: 1 << 20 },
      rowFormat: { format: 'values' },
    },
    signal,
  );
  const { value } = await reading.next();
  assert.ok(value && 'rows' in value && 'rows' in value.rows);
  assert.deepEqual([...value.rows.rows][2], [2n, '2.02', '2026-11-27 08:00:02', '{"a":2}', [2n, null]]);
  await reading.return(undefined as never);
  await source.close();
});
