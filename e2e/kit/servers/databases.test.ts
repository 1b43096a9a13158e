import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import mysqlClient from 'mysql2/promise';
import pg from 'pg';
import { mariadb, mysql, postgres } from '../servers.ts';
import { until } from '../wait.ts';

describe('postgres', () => {
  test('a database belongs to a role that can do nothing more', async () => {
    const server = await postgres();
    const { url, user } = await server.createDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('create schema own; create table own.t (id int)');
      const roles = await client.query(
        'select rolsuper, rolcreatedb, rolcreaterole, rolreplication from pg_roles where rolname = $1',
        [user],
      );
      assert.deepEqual(Object.values(roles.rows[0]), [false, false, false, false]);
    } finally {
      await client.end();
      await server.stop();
    }
  });

  test('has the settings that production has, and those asked for', async () => {
    const server = await postgres({ settings: { max_connections: '17', fsync: 'on' } });
    const rows = await server.query(`select name, setting from pg_settings where name in
      ('wal_level', 'max_prepared_transactions', 'max_connections', 'fsync', 'password_encryption') order by name`);
    await server.stop();
    assert.deepEqual(
      rows.map(({ name, setting }) => `${name}=${setting}`),
      [
        'fsync=on',
        'max_connections=17',
        'max_prepared_transactions=20',
        'password_encryption=scram-sha-256',
        'wal_level=logical',
      ],
    );
  });

  test('a server of its own keeps its rows through SIGKILL and restart, and leaves nothing', async () => {
    const { process: server, query, stop } = await postgres({ own: true });
    assert.ok(server);
    await query('create table t as select 7 as n');
    await server.kill('SIGKILL');
    await assert.rejects(query('select 1'));
    await server.restart();
    assert.deepEqual(await query('select n from t'), [{ n: 7 }]);
    await stop();
    assert.equal(existsSync(server.folder), false);
    await until(() => !existsSync(`/proc/${server.pid}/exe`), { what: 'the process to be gone' });
  });

  test('serves TLS that verifies with its authority and not with another', async () => {
    const server = await postgres({ tls: true });
    assert.ok(server.certificates);
    const connect = async (caFile: string) => {
      const ssl = { ca: await readFile(caFile, 'utf8'), rejectUnauthorized: true };
      const client = new pg.Client({ connectionString: server.adminUrl, ssl });
      await client.connect();
      const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      await client.end();
      return rows;
    };
    assert.deepEqual(await connect(server.certificates.caFile), [{ ssl: true }]);
    await assert.rejects(connect(server.certificates.otherCaFile), /unable to verify|certificate/);
    await server.stop();
  });
});

for (const [name, start] of Object.entries({ mariadb, mysql })) {
  describe(name, () => {
    test('a database belongs to a user that sees no other', async () => {
      const server = await start();
      const [one, two] = [await server.createDatabase(), await server.createDatabase()];
      const client = await mysqlClient.createConnection(one.url);
      try {
        await client.query('create table t (id int)');
        await assert.rejects(client.query(`create table ${two.database}.t (id int)`), { errno: 1142 });
      } finally {
        await client.end();
        await server.stop();
      }
    });

    test('is the requested server, allows loading of files, and accepts options', async () => {
      const shared = await start();
      const ask = 'select version() v, @@local_infile f, @@global.sql_mode m';
      const [row] = await shared.query(ask);
      assert.equal(String(row?.v).includes('MariaDB'), name === 'mariadb');
      assert.equal(row?.f, 1);
      const server = await start({ settings: { 'local-infile': '0', 'sql-mode': 'NO_BACKSLASH_ESCAPES' } });
      const [other] = await server.query(ask);
      await server.stop();
      assert.deepEqual([other?.f, other?.m], [0, 'NO_BACKSLASH_ESCAPES']);
    });

    test('a server of its own keeps its rows through SIGKILL and restart, and leaves nothing', async () => {
      const { process: server, query, createDatabase, stop } = await start({ own: true });
      assert.ok(server);
      const { database } = await createDatabase();
      await query('create table t as select 7 as n', database);
      await server.kill('SIGKILL');
      await assert.rejects(query('select 1'));
      await server.restart();
      assert.deepEqual((await query('select n from t', database))[0]?.n, 7);
      await stop();
      assert.equal(existsSync(server.folder), false);
    });

    test('serves TLS with our certificate', async () => {
      const server = await start({ tls: true });
      assert.ok(server.certificates);
      const { host, port, user, password, certificates } = server;
      const connect = async (caFile: string) => {
        const ssl = { ca: await readFile(caFile, 'utf8'), verifyIdentity: true };
        const client = await mysqlClient.createConnection({ host: 'localhost', port, user, password, ssl });
        const [rows] = await client.query("show status like 'Ssl_version'");
        await client.end();
        return JSON.stringify(rows);
      };
      assert.equal(host, '127.0.0.1');
      assert.match(await connect(certificates.caFile), /TLSv1/);
      await assert.rejects(connect(certificates.otherCaFile), { code: 'HANDSHAKE_SSL_ERROR' });
      await server.stop();
    });
  });
}
