import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { SystemAccess } from '../../core/connector.ts';
import { IdraError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { postgres } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import { readerName } from './connection/open.ts';
import { connector } from './connector.ts';
import { Session } from './session.ts';
import { accessOf, openFlow, type TestDatabase, testDatabase } from './test-harness.ts';
import { withoutRareEscapes } from './types/copy-text.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase(false);
});
after(() => database.stop());

function withConfig(config: Record<string, unknown>, secrets: Record<string, string> = {}): SystemAccess {
  return {
    ...database.access,
    config: { ...database.access.config, ...config },
    secret: (path) =>
      secrets[path] === undefined ? database.access.secret(path) : new Secret(secrets[path]),
  };
}

async function failure(body: Promise<unknown>): Promise<readonly [string, string, string | undefined]> {
  const error = await body.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof IdraError, String(error));
  return [error.code, error.disposition, error.path];
}

describe('errors of connecting are classified', () => {
  test('no host of this name', async () => {
    const access = withConfig({ host: 'no-such-host.invalid' });
    const expected = ['HostUnreachable', 'transient', 'spec.postgres.host'];
    assert.deepEqual(await failure(connector.check(access, signal)), expected);
  });

  test('a server that goes away in the middle is a lost connection', async () => {
    const session = await Session.open(database.access, readerName, signal);
    const asleep = failure(session.query('SELECT pg_sleep(60)', signal));
    await database.query(`SELECT pg_terminate_backend(${session.pid})`);
    assert.deepEqual((await asleep).slice(0, 2), ['ServerShutdown', 'transient']);
    await until(() => session.isLost, { what: 'the loss to be seen' });
    assert.equal((await failure(session.query('SELECT 1')))[1], 'transient');
    await session.close();
  });
});

describe('errors of objects are classified', () => {
  const describeSource = async (object: { table?: string; query?: string }) => {
    const source = await connector.openSource(database.access, { timeZone: 'UTC', ...object }, signal);
    try {
      return await source.describe(signal);
    } finally {
      await source.close();
    }
  };

  test('a missing schema, and a missing table in a query', async () => {
    assert.deepEqual(await failure(describeSource({ table: 'nowhere.nothing' })), [
      'SchemaNotFound',
      'permanent',
      'spec.source.table',
    ]);
    assert.deepEqual((await failure(describeSource({ query: 'SELECT * FROM nothing' }))).slice(0, 2), [
      'TableNotFound',
      'permanent',
    ]);
  });

  test('rights that are missing, and tables that a crash empties, are found with their remedies', async () => {
    await database.query(`CREATE TABLE not_mine (id int PRIMARY KEY); CREATE SCHEMA closed; CREATE TABLE closed.t (id int);
      CREATE UNLOGGED TABLE fast (id int); GRANT ALL ON fast TO "${database.user}"; GRANT USAGE ON SCHEMA closed TO "${database.user}"`);
    const open = async (table: string) =>
      await connector.openDestination(database.access, { table, existingRows: 'Refuse' }, signal);
    const foreign = await open('not_mine');
    const [missing] = await foreign.check('Upsert', signal);
    assert.deepEqual(
      [missing?.code, missing?.severity, missing?.fix],
      [
        'PermissionDenied',
        'error',
        `GRANT INSERT, SELECT, UPDATE ON "public"."not_mine" TO "${database.user}"`,
      ],
    );
    const closed = await open('closed.t2');
    assert.deepEqual(
      (await closed.check('Append', signal)).map((each) => each.fix),
      [`GRANT CREATE ON SCHEMA "closed" TO "${database.user}"`],
    );
    const fast = await open('fast');
    assert.deepEqual(
      (await fast.check('Append', signal)).map((each) => each.code),
      ['TableUnlogged'],
    );
    await Promise.all([foreign, closed, fast].map((each) => each.close()));
  });

  test('the statements that the findings name give the missing rights', async () => {
    await database.query(`CREATE SCHEMA locked; CREATE TABLE locked.t (id int PRIMARY KEY); GRANT USAGE ON SCHEMA locked TO "${database.user}";
      REVOKE TEMPORARY ON DATABASE "${database.database}" FROM PUBLIC, "${database.user}"`);
    const object = { table: 'locked.t', existingRows: 'Refuse' } as const;
    const destination = await connector.openDestination(database.access, object, signal);
    const missing = await destination.check('Upsert', signal);
    assert.deepEqual(
      missing.map(({ code }) => code),
      ['PermissionDenied', 'PermissionDenied', 'PermissionDenied'],
    );
    for (const { fix } of missing) await database.query(fix ?? '');
    assert.deepEqual(await destination.check('Upsert', signal), []);
    await destination.close();
  });

  test('a commit table of another role is found; our own one of an older version is accepted', async () => {
    await database.query(`CREATE SCHEMA old; CREATE TABLE old.t (id int PRIMARY KEY); CREATE TABLE old._idra_commits (uid text);
      GRANT ALL ON old.t, old._idra_commits TO "${database.user}"; GRANT ALL ON SCHEMA old TO "${database.user}"`);
    const object = { table: 'old.t', existingRows: 'Refuse' } as const;
    const destination = await connector.openDestination(database.access, object, signal);
    const [finding] = await destination.check('Append', signal);
    assert.deepEqual([finding?.severity, finding?.code], ['error', 'OwnTableUnsafe']);
    assert.match(
      `${finding?.message} ${finding?.fix}`,
      /belongs to role .* ALTER TABLE "old"."_idra_commits" OWNER TO/,
    );
    await database.query(`ALTER TABLE old._idra_commits OWNER TO "${database.user}"`);
    assert.deepEqual(await destination.check('Append', signal), []);
    await destination.close();
  });
});

describe('check and discover', () => {
  test('version, the right that late rows need, and the objects to sync', async () => {
    await database.run(
      'CREATE TABLE here (id int PRIMARY KEY, name text); CREATE VIEW shown AS SELECT id FROM here; INSERT INTO here SELECT generate_series(1, 500); ANALYZE here',
    );
    const report = await connector.check(database.access, signal);
    assert.match(report.version, /^PostgreSQL \d+/);
    assert.deepEqual(
      report.findings.map((each) => each.fix),
      [`GRANT pg_read_all_stats TO "${database.user}"`],
    );
    const relations = await connector.discover(database.access, signal);
    const here = relations.find((each) => each.name === 'public.here');
    assert.deepEqual([here?.estimatedRows, here?.keys.map((key) => key.columns)], [500, [['id']]]);
    assert.ok(relations.some((each) => each.name === 'public.shown'));
    assert.ok(!relations.some((each) => /^(pg_|information_schema)/.test(each.name)));
  });
});

describe('row formats', () => {
  test('tsv: encodings that LOAD DATA reads, and keys taken from them', async () => {
    await database.run(`CREATE TABLE tsv_from (id int PRIMARY KEY, flag boolean, raw bytea, at timestamptz, list int[], doc jsonb, body text);
      INSERT INTO tsv_from VALUES (1, true, '\\x00ff', '2026-01-01 02:00+01', '{1,2}', '{"a": 1}', E'a\\tb\\\\c' || chr(11) || E'd\\fe'), (2, NULL, NULL, NULL, NULL, NULL, NULL)`);
    const flow = await openFlow(database, { from: 'tsv_from', to: 'tsv_to' });
    const rowFormat = {
      format: 'tsv',
      as: ['text', 'boolean01', 'hex', 'utc', 'json', 'json', 'text'],
    } as const;
    assert.ok(flow.source.canServe(rowFormat, flow.request.columns));
    assert.ok(
      !flow.source.canServe({ ...rowFormat, as: rowFormat.as.map(() => 'hex') }, flow.request.columns),
    );
    const after = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
    const { value } = await flow.source.read({ ...flow.request, rowFormat, after }, signal).next();
    assert.ok(value && 'rows' in value && value.rows.format === 'tsv');
    assert.equal(
      Buffer.concat([...value.rows.chunks]).toString(),
      '1\t1\t00ff\t2026-01-01 01:00:00\t[1,2]\t{"a": 1}\ta\\tb\\\\c\vd\fe\n2\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n',
    );
    assert.deepEqual(value.offset, { mode: 'Snapshot', pass: 1, key: ['2'], isComplete: false });
    await flow.close();
  });

  test('an escaped backslash before a letter is not an escape', () => {
    const lines = Buffer.from(String.raw`a\\fb\fc\\\vd`);
    assert.equal(withoutRareEscapes(lines).toString(), 'a\\\\fb\fc\\\\\vd');
  });

  test('binary rows are used for casts to wider columns only', async () => {
    await database.run(`CREATE TABLE cast_from (id int PRIMARY KEY, s smallint, v varchar(5), f real, j json, d date, u uuid, n numeric(5,2));
      INSERT INTO cast_from SELECT i, i, 'v' || i, i / 3.0, '{"b":1}', date '2026-01-01' + i, md5(i::text)::uuid, i / 4.0 FROM generate_series(-9, 9) i;
      CREATE TABLE cast_to (id bigint PRIMARY KEY, s numeric, v text, f double precision, j jsonb, d timestamp, u text, n numeric(10,4))`);
    const flow = await openFlow(database, { from: 'cast_from', to: 'cast_to', maxRows: 4 });
    assert.equal(flow.rowFormat.format, 'pgcopy-binary');
    await flow.claim();
    await flow.pass();
    const text =
      'id::text, s::text, v, f::float8::text, j::jsonb::text, d::timestamp::text, u::text, n::numeric(10,4)::text';
    assert.deepEqual(
      await database.run(`SELECT ${text} FROM cast_to ORDER BY cast_to.id`),
      await database.run(`SELECT ${text} FROM cast_from ORDER BY cast_from.id`),
    );
    await flow.close();
  });
});

describe('TLS', () => {
  test('modes, authorities and sessions', async () => {
    const server = await postgres({ tls: true });
    try {
      assert.ok(server.certificates);
      const secure = await server.createDatabase();
      const [ca, otherCa] = await Promise.all(
        [server.certificates.caFile, server.certificates.otherCaFile].map((file) => readFile(file, 'utf8')),
      );
      const open = async (mode: string, authority?: string, host = secure.host) => {
        const plain = accessOf(secure);
        const access: SystemAccess = {
          ...plain,
          config: { ...plain.config, host, tls: { mode } },
          secret: (path) =>
            path === 'tls.ca' && authority !== undefined ? new Secret(authority) : plain.secret(path),
        };
        const session = await Session.open(access, readerName, signal);
        const [[isSecure] = []] = await session.query(
          'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
        );
        await session.close();
        return isSecure;
      };
      assert.deepEqual(
        [await open('Disable'), await open('Prefer'), await open('Require'), await open('VerifyFull', ca)],
        ['f', 't', 't', 't'],
      );
      assert.deepEqual(await failure(open('VerifyCA', otherCa)), [
        'CertificateUntrusted',
        'permanent',
        'spec.postgres.tls',
      ]);
      assert.deepEqual((await failure(open('VerifyFull')))[0], 'CertificateUntrusted');
    } finally {
      await server.stop();
    }
  });
});
