import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../core/errors.ts';
import { permanent } from '../../core/errors.ts';
import { hiddenFindings, type WriteUse, writeFindings } from './check.ts';
import { destinationFindings } from './describe.ts';
import type { Session } from './session.ts';
import { onServer } from './test-harness.ts';

const signal = new AbortController().signal;
const name = { schema: 'sales', table: 'orders' };

/** A server whose user has these rights; others are asked for by the names of their securables. */
function serverWith(held: (asked: string) => boolean, hasCommits: boolean): Session {
  return {
    async query(sql: string) {
      if (sql.includes('USER_NAME')) return [['idra']];
      if (sql.startsWith('SELECT OBJECT_ID')) return [[hasCommits ? 7 : null]];
      return [sql.split(', CASE').map((each) => (held(each) ? 1 : 0))];
    },
  } as unknown as Session;
}

async function missing(
  held: (asked: string) => boolean,
  { hasCommits = true, ...use }: Partial<WriteUse> & { hasCommits?: boolean },
): Promise<Finding | undefined> {
  const session = serverWith(held, hasCommits);
  const [finding] = await writeFindings(
    session,
    name,
    { writeMode: 'Upsert', existing: { columns: [] }, ...use },
    signal,
  );
  return finding;
}

test('rights on both tables are enough, and nothing is created if both exist', async () => {
  const onTables = (asked: string) => asked.includes("'OBJECT'");
  assert.equal(await missing(onTables, {}), undefined);
  assert.equal(
    (await missing(onTables, { writeMode: 'Replace' }))?.fix,
    'GRANT CREATE TABLE TO [idra]; GRANT ALTER ON SCHEMA::[sales] TO [idra]',
  );
});

test('a table that is created needs rights on its schema, and so do the commit rows', async () => {
  const create = 'GRANT CREATE TABLE TO [idra]; GRANT ALTER ON SCHEMA::[sales] TO [idra]';
  for (const use of [{ existing: null }, { hasCommits: false }]) {
    const finding = await missing((asked) => asked.includes("'OBJECT'"), use);
    assert.match(
      finding?.fix ?? '',
      /^GRANT SELECT ON SCHEMA::\[sales\] TO \[idra\]; GRANT INSERT .*; GRANT UPDATE /,
    );
    assert.ok(finding?.fix?.endsWith(create), finding?.fix);
  }
});

test('an identity column needs ALTER on its table', async () => {
  const columns = [
    { name: 'id', type: { kind: 'int', bits: 32 }, nativeType: 'int', isNullable: false, isIdentity: true },
  ] as const;
  const finding = await missing((asked) => !asked.includes("'ALTER'"), { existing: { columns } });
  assert.equal(finding?.fix, 'GRANT ALTER ON [sales].[orders] TO [idra]');
});

test('rows and values that the server hides from the user are reported', async () => {
  const session = {
    async query(sql: string) {
      if (sql.includes('USER_NAME')) return [['idra']];
      if (sql.includes('encryption_type')) return [['card']];
      return sql.includes('security_policies') ? [['only own']] : [['salary'], ['mail']];
    },
  } as unknown as Session;
  const [rows, values, encrypted] = await hiddenFindings(session, name, signal);
  assert.deepEqual([rows?.severity, rows?.code], ['warning', 'RowSecurity']);
  assert.match(rows?.message ?? '', /only own/);
  assert.deepEqual([values?.severity, values?.code], ['error', 'ValuesMasked']);
  assert.match(values?.message ?? '', /salary, mail/);
  assert.match(values?.fix ?? '', /^GRANT UNMASK TO \[idra\]/);
  assert.deepEqual([encrypted?.severity, encrypted?.code], ['error', 'ValuesMasked']);
  assert.match(encrypted?.message ?? '', /Always Encrypted.*: card$/);
  const older = {
    query: async () => {
      throw permanent('TableNotFound', 'there is no such view');
    },
  } as unknown as Session;
  assert.deepEqual(await hiddenFindings(older, name, signal), []);
});

test('a table whose indexes leave out duplicates without an error is no destination', () => {
  const relation = { name: 'sales.orders', columns: [], keys: [] };
  const traits = { temporalType: 0, isMemoryOptimized: false, isExternal: false, replacesStatements: false };
  const findings = (ignoresDuplicates: boolean) =>
    destinationFindings({
      ...{ relation, name, kind: 'table', columns: [], keys: [] },
      traits: { ...traits, ignoresDuplicates },
    }).map(({ severity, code }) => `${severity} ${code}`);
  assert.deepEqual(findings(true), ['error DuplicatesIgnored']);
  assert.deepEqual(findings(false), []);
});

onServer((database) => {
  test('a user without rights is told which, as statements', async () => {
    await database.run('CREATE SCHEMA sales');
    await database.run('CREATE TABLE sales.orders (id int PRIMARY KEY)');
    const limited = await database.flow(
      { from: 'sales.orders', to: 'sales.copy' },
      await database.userWith(),
    );
    const [finding] = await limited.destination.check('Upsert', signal);
    assert.deepEqual([finding?.code, finding?.severity], ['PermissionDenied', 'error']);
    for (const right of ['SELECT', 'INSERT', 'UPDATE', 'ALTER'])
      assert.match(finding?.fix ?? '', new RegExp(`GRANT ${right} ON SCHEMA::\\[sales\\] TO \\[u_\\w+\\]`));
    assert.match(finding?.fix ?? '', /GRANT CREATE TABLE TO/);
  });

  test('a user who may not read a table is told the statement that lets him', async () => {
    await database.run('CREATE TABLE dbo.hidden (id int PRIMARY KEY)');
    const user = await database.userWith();
    await assert.rejects(
      database.flow({ from: 'dbo.hidden', to: 'dbo.copy' }, database.access, { source: user }),
      { code: 'TableNotFound', fix: /GRANT SELECT ON \[dbo\]\.\[hidden\] TO \[u_\w+\]/ },
    );
  });
});
