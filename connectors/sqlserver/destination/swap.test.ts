import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanent } from '../../../core/errors.ts';
import type { Session } from '../session.ts';
import { onServer } from '../test-harness.ts';
import { replaceFindings } from './swap.ts';

const signal = new AbortController().signal;

/** What is reported about a table of which the server returns this name for statements with `part`. */
async function findingsFor(part: string): Promise<readonly string[]> {
  const session = {
    async query(sql: string) {
      if (sql.includes('security_predicates') && part !== 'security_predicates')
        throw permanent('TableNotFound', 'an older server has no such view');
      return sql.includes(part) ? [['found']] : [];
    },
  } as unknown as Session;
  const findings = await replaceFindings(session, { schema: 'dbo', table: 'orders' }, signal);
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

test('what would let others see more than before is refused, and what costs only speed or space is reported', async () => {
  for (const part of [
    'is_masked',
    'encryption_type',
    'security_predicates',
    'is_column_set',
    'temporal_type',
  ])
    assert.deepEqual(await findingsFor(part), ['error DependentObjects'], part);
  for (const part of [
    'is_sparse',
    'partition_schemes',
    'data_compression',
    'fulltext_indexes',
    'sys.triggers',
  ])
    assert.deepEqual(await findingsFor(part), ['warning NotKeptByReplace'], part);
});

const isDuplicate = (error: { readonly number?: number }) => [2_601, 2_627].includes(error.number ?? 0);

onServer((database) => {
  const run = (sql: string) => database.run(sql);

  test('a replaced table has the defaults and indexes of the old one, and its rows are the new ones', async () => {
    await database.fill('dbo.rep_from', 3);
    await run(`CREATE TABLE dbo.rep_to (id bigint PRIMARY KEY, body nvarchar(40) NOT NULL, made int NOT NULL DEFAULT 7);
      INSERT INTO dbo.rep_to (id, body) VALUES (99, 'old')`);
    await run('CREATE UNIQUE INDEX by_body ON dbo.rep_to (body)');
    const flow = await database.flow({ from: 'dbo.rep_from', to: 'dbo.rep_to', writeMode: 'Replace' });
    assert.deepEqual(await flow.destination.check('Replace', signal), []);
    await flow.claim();
    await flow.pass();
    await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
    assert.deepEqual(await run('SELECT id, body, made FROM dbo.rep_to ORDER BY id'), [
      ['1', 'row 1', '7'],
      ['2', 'row 2', '7'],
      ['3', 'row 3', '7'],
    ]);
    await assert.rejects(run("INSERT INTO dbo.rep_to (id, body) VALUES (4, 'row 1')"), isDuplicate);
  });

  test('a foreign key that refers to the table is an error, and its own triggers a warning', async () => {
    await run('CREATE TABLE dbo.parent (id int PRIMARY KEY, body nvarchar(9))');
    await run('CREATE TABLE dbo.child (id int PRIMARY KEY, parent int REFERENCES dbo.parent (id))');
    await run('CREATE TRIGGER dbo.notes ON dbo.parent AFTER INSERT AS SELECT 1');
    const flow = await database.flow({ from: 'dbo.parent', to: 'dbo.parent' });
    const findings = await flow.destination.check('Replace', signal);
    assert.deepEqual(findings.map(({ severity, code }) => `${severity} ${code}`).sort(), [
      'error ReplaceBreaksForeignKey',
      'warning NotKeptByReplace',
    ]);
  });
});
