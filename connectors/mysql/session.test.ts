import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { type MysqlDatabase, type MysqlServer, mariadb } from '../../e2e/kit/servers.ts';
import { openFlow } from '../sql/test-flow.ts';
import { connector } from './connector.ts';
import { accessOf, claimUnplanned, servers, TestDatabase } from './test-harness.ts';

const signal = new AbortController().signal;

for (const [name, start] of servers) {
  describe(name, () => {
    let server: MysqlServer;
    let database: MysqlDatabase;
    let ca: string;
    before(async () => {
      server = await start({ tls: true, settings: { 'local-infile': '0', 'bind-address': '0.0.0.0' } });
      database = await server.createDatabase();
      ca = await readFile(server.certificates?.caFile ?? '', 'utf8');
    });
    after(() => server?.stop());

    const check = (more: object, secrets: Record<string, string> = {}) =>
      connector.check(accessOf(database, { ...more }, secrets), signal);
    const tls = (mode: string) => ({ tls: { mode } });

    describe('TLS', () => {
      test('each mode with a server that offers it', async () => {
        // At a user's first login MySQL requests the password itself; later it requests a proof.
        const plain = { ...tls('Disable'), allowCleartextPassword: false };
        if (name === 'MySQL') await assert.rejects(check(plain), { code: 'CleartextPasswordRefused' });
        await check(tls('Prefer'));
        assert.match((await check(plain)).version, /^(MySQL|MariaDB) \d+\.\d+/);
        await check(tls('Require'));
        await check(tls('VerifyCA'), { 'tls.ca': ca });
        await check({ ...tls('VerifyFull'), host: 'localhost' }, { 'tls.ca': ca });
        await check({ ...tls('VerifyFull'), host: '127.0.0.1' }, { 'tls.ca': ca });
        await check({ ...tls('VerifyCA'), host: '127.0.0.2' }, { 'tls.ca': ca });
      });

      test('an authority that did not sign it, and a host that it does not name', async () => {
        await assert.rejects(check(tls('VerifyCA')), {
          code: 'CertificateUntrusted',
          path: 'spec.mysql.tls',
        });
        await assert.rejects(check({ ...tls('VerifyFull'), host: '127.0.0.2' }, { 'tls.ca': ca }), {
          code: 'CertificateUntrusted',
        });
      });

      test('only Disable and a server without TLS use plain text', async () => {
        await server.query(`ALTER USER '${database.user}'@'%' REQUIRE SSL`);
        try {
          await assert.rejects(check(tls('Disable')), { disposition: 'permanent' });
          for (const mode of ['Prefer', 'Require']) await check(tls(mode));
        } finally {
          await server.query(`ALTER USER '${database.user}'@'%' REQUIRE NONE`);
        }
      });
    });

    test('a database that the user may not see, and a setting that is not supported', async () => {
      await assert.rejects(check({ database: 'nowhere' }), { disposition: 'permanent' });
      await assert.rejects(check({ parameters: { sql_mode: '' } }), { code: 'ParameterUnknown' });
      await assert.rejects(check({ parameters: { lock_wait_timeout: '1; DROP' } }), {
        code: 'ParameterInvalid',
      });
    });

    test('check names the missing rights, with the statement that grants them', async () => {
      const { findings } = await check({});
      const fixes = findings.map((each) => [each.code, each.fix]);
      assert.deepEqual(fixes, [
        [
          'ServerNotVerified',
          'set tls.mode to VerifyFull, with tls.caSecretRef if the authority is not public',
        ],
        ['LateRowsBySafetyLag', `GRANT PROCESS ON *.* TO '${database.user}'@'%'`],
        ['NoLocalInfile', 'SET GLOBAL local_infile = 1'],
      ]);
      await server.query(`CREATE DATABASE foreign_${database.database}`);
      await server.query(`GRANT SELECT, INSERT ON foreign_${database.database}.* TO '${database.user}'@'%'`);
      const destination = await connector.openDestination(
        accessOf(database),
        { table: `foreign_${database.database}.t`, existingRows: 'Keep' },
        signal,
      );
      const [finding] = await destination.check('Upsert', signal);
      await destination.close();
      assert.equal(
        finding?.fix,
        `GRANT UPDATE, CREATE, CREATE TEMPORARY TABLES ON \`foreign\\_${database.database.replaceAll('_', '\\_')}\`.* TO '${database.user}'@'%'`,
      );
    });

    test('where LOAD DATA LOCAL is off, rows are inserted: the same values, the same refusals', async () => {
      const access = accessOf(database);
      const run = (sql: string) => server.query(sql, database.database);
      await run(
        `CREATE TABLE plain (id INT PRIMARY KEY, t TEXT, b BLOB, bits BIT(5), f FLOAT, d DECIMAL(10,3))`,
      );
      await run(
        String.raw`INSERT INTO plain VALUES (1, 'it''s\ta\nb\\c\0d é🌊', x'00ff275c0a', b'10110', 0.1, 1.234), (2, '\\N', x'', b'0', -3.4028234663852886e38, NULL), (3, NULL, NULL, NULL, NULL, 7)`,
      );
      for (const writeMode of ['Append', 'Upsert'] as const) {
        const options = { from: 'plain', to: `plain_${writeMode}`, writeMode, uid: writeMode };
        const flow = await openFlow({ connector, source: access, destination: access }, options);
        await flow.claim();
        await flow.pass();
        if (writeMode === 'Upsert')
          await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
        await flow.close();
        const all = async (table: string) =>
          JSON.stringify(
            await run(
              `SELECT id, HEX(t) AS t, HEX(b) AS b, BIN(bits) AS bits, CONCAT(f * 1e0) AS f, d FROM ${table} ORDER BY id`,
            ),
          );
        assert.equal(await all(options.to), await all('plain'));
      }
      await run('CREATE TABLE narrow (id INT PRIMARY KEY, d DECIMAL(10,3))');
      const flow = await openFlow(
        { connector, source: access, destination: access },
        {
          from: '',
          query: 'SELECT id, d FROM plain',
          to: 'narrow',
          sourceKey: ['id'],
          writeMode: 'Append',
          onError: 'Skip',
        },
      );
      await run('ALTER TABLE narrow MODIFY d DECIMAL(10,2)');
      await claimUnplanned(flow);
      await flow.pass();
      await flow.close();
      assert.deepEqual(
        (await run('SELECT id FROM narrow ORDER BY id')).map((row) => row.id),
        [2, 3],
      );
    });

    test('where LOAD DATA LOCAL is off, lines of another system are only values', async () => {
      const access = accessOf(database);
      const run = (sql: string) => server.query(sql, database.database);
      await run('CREATE TABLE victim (id INT)');
      await run('INSERT INTO victim VALUES (1)');
      await run('CREATE TABLE lines_from (id INT PRIMARY KEY, t TEXT, b BLOB, bits BIT(5), f FLOAT)');
      const options = { from: 'lines_from', to: 'lines_to', writeMode: 'Append', onError: 'Skip' } as const;
      const flow = await openFlow({ connector, source: access, destination: access }, options);
      await flow.claim();
      const attack = (head: string, tail: string) =>
        `${head}); DELETE FROM victim; INSERT INTO victim VALUES (${tail}`;
      const lines = [
        `1\t${attack("\\',1,1,1", "'")}\t00\t0\t0`,
        `2\t\\\t${attack(',1,1,1', '1')}; -- \t0\t0`,
        `3\t\t${attack("','0','0'", "'")}\t0\t0`,
        `4\t\t00\t${attack("',0", "'")}\t0`,
        `5\t\t00\t0\t${attack("0'", "'")}`,
        `6\tfine\t00ff\t101\t3.4028235e+38`,
      ];
      const batch = (rows: readonly string[]) => ({
        rows: { format: 'tsv', chunks: [Buffer.from(rows.join('\n'))] } as const,
        rowCount: rows.length,
        byteCount: 1,
        offset: { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const,
      });
      const { rejections } = await flow.destination.write(batch(lines), signal);
      assert.deepEqual(
        rejections.map(({ code, column }) => [code, column]),
        [
          ['ValueNotKept', 'b'],
          ['ValueNotKept', 'b'],
          ['ValueNotKept', 'bits'],
          ['ValueNotKept', 'f'],
        ],
      );
      for (const broken of [['7'], ['7\t\t\t0\t0\t'], ['7\t\t\t0\t0\n8\t\t\t0\t0']])
        await assert.rejects(flow.destination.write(batch(broken), signal), { code: 'ProtocolBroken' });
      await flow.close();
      assert.deepEqual(
        (await run('SELECT id, HEX(b) AS b, BIN(bits) AS bits FROM lines_to ORDER BY id')).map((row) => ({
          ...row,
        })),
        [
          { id: 1, b: '00', bits: '0' },
          { id: 6, b: '00FF', bits: '101' },
        ],
      );
      assert.deepEqual(
        (await run('SELECT id FROM victim')).map((row) => row.id),
        [1],
      );
    });
  });

  test(`${name}: the user's secrets are in no error`, async () => {
    const database = await TestDatabase.create(start);
    try {
      const wrong = accessOf({ ...(await database.server.createDatabase()), password: 'hunter2-secret' });
      const error = await connector.check(wrong, signal).catch((thrown: Error) => thrown);
      assert.ok(error instanceof Error);
      assert.doesNotMatch(JSON.stringify([error.message, error]), /hunter2/);
    } finally {
      await database.stop();
    }
  });
}

/** MySQL creates a certificate for itself; MariaDB before 11.4 does not. */
test('Prefer, and Require, with a server that offers no TLS', async () => {
  const server = await mariadb();
  try {
    const database = await server.createDatabase();
    await connector.check(accessOf(database, { tls: { mode: 'Prefer' } }), signal);
    await assert.rejects(connector.check(accessOf(database, { tls: { mode: 'Require' } }), signal), {
      code: 'TlsNotOffered',
    });
  } finally {
    await server.stop();
  }
});
