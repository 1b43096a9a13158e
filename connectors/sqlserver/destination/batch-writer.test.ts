import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { Deletes } from '../../../core/sync-spec.ts';
import type { ColumnType } from '../../../core/values.ts';
import type { Session } from '../session.ts';
import { loadColumn } from '../types/encode.ts';
import { BatchWriter } from './batch-writer.ts';
import { noRows } from './bulk-load.ts';

function planned(name: string, type: ColumnType, ddl: string): PlannedColumn {
  const source = { name, type, nativeType: ddl, isNullable: true };
  return { source, name, existing: null, ddl, isNullable: true };
}

/** A writer after it has staged this many deletions and rows; the server finds nothing wrong with them. */
async function staged(
  deletions: number,
  rows: number,
  { ddl = 'nvarchar(9)', deletes = 'Hard' as Deletes } = {},
) {
  const columns = [
    planned('id', { kind: 'int', bits: 32 }, 'int'),
    planned('body', { kind: 'text', maxLength: 9 }, ddl),
    planned('_deleted_at', { kind: 'timestamp', precision: 6, hasZone: true }, 'datetimeoffset(6)'),
  ];
  const plan = { key: ['id'], deletes, columns: { columns }, onError: 'Stop' } as unknown as WritePlan;
  const sent: string[] = [];
  const session = {
    async run(sql: string) {
      sent.push(sql);
      return [{ fields: [], rows: [] }];
    },
    load: async () => rows,
  } as unknown as Session;
  const writer = new BatchWriter(session, {
    plan,
    table: { schema: 'dbo', table: 'orders' },
    columns: columns.map((each) => loadColumn(each, plan)),
    isMerged: true,
    hasIdentity: false,
    where: 'orders',
  });
  const encoded = (count: number) => ({ ...noRows, chunks: count > 0 ? [Buffer.of(0)] : [], count });
  await writer.stage(encoded(deletions), encoded(rows));
  return { writer, sent, statements: writer.mergeSql.split(';\n') };
}

test('each statement of a merge locks the keys, also those that do not exist yet, until COMMIT', async () => {
  const { statements } = await staged(2, 3);
  const names = (sql: string) => sql.match(/\[dbo\]\.\[orders\] AS t/g)?.length ?? 0;
  const locked = (sql: string) =>
    sql.match(/\[dbo\]\.\[orders\] AS t WITH \(UPDLOCK, HOLDLOCK\)/g)?.length ?? 0;
  const merging = statements.filter((sql) => names(sql) > 0);
  assert.deepEqual(
    merging.map((sql) => sql.split(' ')[0]),
    ['DELETE', 'UPDATE', 'INSERT'],
  );
  for (const sql of merging) assert.equal(locked(sql), names(sql), sql);
});

test('deletions come before rows, and each statement takes only its own', async () => {
  const { statements, writer } = await staged(2, 3);
  const [deletion = '', count, update = '', insert = ''] = statements;
  assert.match(deletion, /^DELETE .* s\.n BETWEEN 0 AND 1$/);
  assert.match(count ?? '', /@@ROWCOUNT/);
  for (const sql of [update, insert]) assert.match(sql, /s\.n BETWEEN 2 AND 5/);
  assert.equal(writer.staged, 3);
});

test('without deletions, or without rows, there is no statement for them', async () => {
  assert.deepEqual(
    (await staged(0, 2)).statements.map((sql) => sql.split(' ')[0]),
    ['UPDATE', 'INSERT'],
  );
  const only = await staged(2, 0);
  assert.match(only.statements[0] ?? '', /^DELETE /);
  assert.deepEqual([only.writer.staged, only.writer.isEmpty], [0, false]);
});

test('deletes Soft sets the time of rows that are not marked yet, and an upsert clears it', async () => {
  const { statements } = await staged(1, 1, { deletes: 'Soft' });
  assert.match(
    statements[0] ?? '',
    /^UPDATE t SET t\.\[_deleted_at\] = s\.c2 FROM .* AND t\.\[_deleted_at\] IS NULL$/,
  );
  assert.match(statements[2] ?? '', /t\.\[_deleted_at\] = s\.c2/);
});

test('texts for a column with a code page are compared with what it would keep of them', async () => {
  const { sent } = await staged(0, 1, { ddl: 'varchar(9)' });
  const check = sent.find((sql) => sql.startsWith('SELECT s.n')) ?? '';
  assert.match(
    check,
    /CONVERT\(nvarchar\(max\), CONVERT\(varchar\(max\), s\.c1\)\) COLLATE \w+ <> s\.c1 COLLATE \w+/,
  );
  assert.equal((await staged(0, 1)).sent.filter((sql) => sql.startsWith('SELECT s.n')).length, 0);
});
