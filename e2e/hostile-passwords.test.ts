import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { connector as mysqlConnector } from '../connectors/mysql/connector.ts';
import { Session as MysqlSession } from '../connectors/mysql/session.ts';
import { readerName } from '../connectors/postgres/connection/open.ts';
import { connector as postgresConnector } from '../connectors/postgres/connector.ts';
import { Session as PostgresSession } from '../connectors/postgres/session.ts';
import type { SystemAccess } from '../core/connector.ts';
import { Secret } from '../core/secret.ts';
import { type MysqlAttack, ok, packet, rogueMysql } from './hostile/rogue-mysql.ts';
import {
  authenticationOk,
  int32,
  message,
  type PostgresAttack,
  ready,
  roguePostgres,
} from './hostile/rogue-postgres.ts';
import type { OwnCertificate } from './hostile/rogue-server.ts';
import { makeCertificates } from './kit/certificates.ts';
import { tempFolder } from './kit/temp.ts';

const never = new AbortController().signal;
const password = 'the-password-itself';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
let certificate: OwnCertificate;
before(async () => {
  const { certFile, keyFile } = await makeCertificates(await tempFolder('hostile-passwords'));
  certificate = { key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8') };
});

function accessOf(port: number, more: object): SystemAccess {
  return {
    dataSource: 'team/rogue',
    config: { host: '127.0.0.1', port, database: 'd', user: 'u', ...more },
    secret: (path) => (path === 'password' ? new Secret(password) : undefined),
  };
}

/** Opens and closes a session with an attacking server; returns what the server received. */
async function heardByPostgres(
  attack: PostgresAttack,
  more: object = {},
  instead: Partial<SystemAccess> = {},
): Promise<string> {
  const heard: Buffer[] = [];
  const server = await roguePostgres({ ...attack, heard: (bytes) => heard.push(bytes) });
  try {
    const access = { ...accessOf(server.port, more), ...instead };
    const session = await PostgresSession.open(access, readerName, never).catch((error: Error) => error);
    const text = Buffer.concat(heard).toString('latin1');
    if (session instanceof Error) throw Object.assign(session, { heard: text });
    await session.close();
    return text;
  } finally {
    await server.stop();
  }
}

async function heardByMysql(attack: MysqlAttack, more: object = {}): Promise<string> {
  const heard: Buffer[] = [];
  const server = await rogueMysql({ ...attack, heard: (bytes) => heard.push(bytes) });
  try {
    const session = await MysqlSession.open(accessOf(server.port, more), 'reader', never).catch(
      (error: Error) => error,
    );
    const text = unsealed(heard);
    if (session instanceof Error) throw Object.assign(session, { heard: text });
    await session.close();
    return text;
  } finally {
    await server.stop();
  }
}

/** What was sent, and what the attacker's key decrypts of it: the scrambles of these tests are zeros. */
function unsealed(heard: readonly Buffer[]): string {
  const opened = heard.map((bytes) => {
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      return privateDecrypt({ key: privateKey, oaepHash: 'sha1', padding }, bytes.subarray(4));
    } catch {
      return Buffer.alloc(0);
    }
  });
  return Buffer.concat([...heard, ...opened]).toString('latin1');
}

/** Checks that the server does not receive the password, and that the error names what it requested and the remedy. */
async function refused(body: Promise<string>, type: 'postgres' | 'mysql', asked: RegExp): Promise<void> {
  await assert.rejects(
    body,
    (error: Error & { heard?: string; code?: string; path?: string; fix?: string }) => {
      assert.equal(error.code, 'CleartextPasswordRefused', String(error));
      assert.match(error.message, /team\/rogue/);
      assert.match(error.message, asked);
      assert.equal(error.path, `spec.${type}.tls.mode`);
      assert.match(
        error.fix ?? '',
        new RegExp(`VerifyFull.*spec\\.${type}\\.allowCleartextPassword to true`),
      );
      assert.ok(error.heard?.includes('u'));
      assert.ok(!error.heard?.includes(password));
      return true;
    },
  );
}

const tls = (mode: string) => ({ tls: { mode } });
const allowed = { allowCleartextPassword: true };
const cleartext: PostgresAttack = { login: message('R', int32(3)) };

test('PostgreSQL: a server that asks for the password itself is sent nothing unless TLS is required', async () => {
  const asked = /AuthenticationCleartextPassword/;
  for (const mode of ['Disable', 'Prefer'])
    await refused(heardByPostgres(cleartext, tls(mode)), 'postgres', asked);
  await refused(heardByPostgres({ ...cleartext, certificate }, tls('Prefer')), 'postgres', asked);
  const text = 'after a salted one';
  const twice = {
    login: Buffer.concat([
      message('R', Buffer.concat([int32(5), Buffer.from('salt')])),
      message('R', int32(3)),
    ]),
  };
  await assert.rejects(heardByPostgres(twice), { code: 'ProtocolBroken' }, text);
});

test('PostgreSQL: the password is sent where TLS is required or the DataSource allows it, and check warns', async () => {
  for (const [attack, more] of [
    [{ ...cleartext, certificate }, tls('Require')],
    [cleartext, { ...tls('Disable'), ...allowed }],
    [
      { ...cleartext, certificate },
      { ...tls('Prefer'), ...allowed },
    ],
  ] as const) {
    assert.ok((await heardByPostgres(attack, more)).includes(password));
    const server = await roguePostgres(attack);
    try {
      const { findings } = await postgresConnector.check(accessOf(server.port, more), never);
      const warning = findings.find(({ code }) => code === 'ServerNotVerified');
      assert.equal(warning?.severity, 'warning');
      assert.match(warning.message, /an impostor would receive it/);
    } finally {
      await server.stop();
    }
  }
});

test("PostgreSQL: a DataSource without a password sends none of the agent's environment and home", async () => {
  const file = join(await tempFolder('hostile-pgpass'), 'pgpass');
  await writeFile(file, '*:*:*:*:of-the-file\n', { mode: 0o600 });
  const ofAgent = { PGPASSWORD: 'of-the-agent', PGPASSFILE: file, PGOPTIONS: '-c search_path=of_the_agent' };
  const none = { secret: () => undefined };
  Object.assign(process.env, ofAgent);
  try {
    for (const login of [cleartext.login, undefined]) {
      const heard = await heardByPostgres({ ...(login && { login }) }, {}, none);
      assert.doesNotMatch(heard, /of-the-file|of-the-agent|of_the_agent/);
    }
    delete process.env.PGPASSWORD;
    assert.doesNotMatch(await heardByPostgres(cleartext, {}, none), /of-the-file/);
  } finally {
    for (const name of Object.keys(ofAgent)) delete process.env[name];
  }
});

const sasl = message('R', Buffer.concat([int32(10), Buffer.from('SCRAM-SHA-256\0\0')]));
const loggedIn = Buffer.concat([authenticationOk, message('K', Buffer.concat([int32(7), int32(7)])), ready]);

test('PostgreSQL: a login by SCRAM needs the proof of the server', async () => {
  const broken = { code: 'ProtocolBroken', disposition: 'permanent' };
  await assert.rejects(heardByPostgres({ login: sasl, password: () => loggedIn }), {
    ...broken,
    message: /without the proof that the server knows the password/,
  });
  await assert.rejects(heardByPostgres({ login: sasl, password: () => ready }), broken);
  await assert.rejects(heardByPostgres({ login: ready }), broken);
  /** A first message of the server, whose nonce starts with the client's, and an invalid signature. */
  const unproven = (said: Buffer) => {
    const nonce = /r=([^,]+)/.exec(said.toString('latin1'))?.[1];
    return said.includes('n=*')
      ? message('R', Buffer.concat([int32(11), Buffer.from(`r=${nonce}x,s=AAAA,i=1`)]))
      : Buffer.concat([message('R', Buffer.concat([int32(12), Buffer.from('v=AAAA')])), loggedIn]);
  };
  await assert.rejects(heardByPostgres({ login: sasl, password: unproven }), {
    code: 'AuthenticationFailed',
    message: /server signature does not match/,
  });
});

test('PostgreSQL: a request for a password after the login ends the connection', async () => {
  const late = { statement: () => Buffer.concat([message('R', int32(3)), ready]) };
  await assert.rejects(heardByPostgres(late, allowed), {
    code: 'ProtocolBroken',
    message: /at an unexpected point/,
  });
});

const switchTo = (sequence: number, plugin: string) =>
  packet(sequence, Buffer.concat([Buffer.from(`\xfe${plugin}\0`, 'latin1'), Buffer.alloc(21)]));
const moreData = (sequence: number, data: Buffer | string) =>
  packet(sequence, Buffer.concat([Buffer.from([1]), Buffer.from(data)]));

/** Requests the password itself, or sends the attacker's own key; `certificate` if it uses TLS. */
const mysqlAttacks: Readonly<Record<string, MysqlAttack>> = {
  mysql_clear_password: {
    login: (sequence) => switchTo(sequence, 'mysql_clear_password'),
    more: (sequence) => packet(sequence, ok),
  },
  caching_sha2_password: {
    login: (sequence) => switchTo(sequence, 'caching_sha2_password'),
    more: (sequence, said) => {
      if (said.length === 32) return moreData(sequence, Buffer.from([4]));
      return said[0] === 2 && said.length === 1 ? moreData(sequence, publicPem) : packet(sequence, ok);
    },
  },
  sha256_password: {
    login: (sequence) => switchTo(sequence, 'sha256_password'),
    more: (sequence, said) =>
      said[0] === 1 && said.length === 1 ? moreData(sequence, publicPem) : packet(sequence, ok),
  },
};

/** The login ends with the attacker's OK, whatever it received; what follows is a session. */
function onceLoggedIn(attack: MysqlAttack): MysqlAttack {
  let isDone = false;
  return {
    ...attack,
    more: (sequence, said) => {
      if (isDone) return undefined;
      const reply = attack.more?.(sequence, said);
      isDone = Buffer.isBuffer(reply) && reply.equals(packet(sequence, ok));
      return reply;
    },
  };
}

for (const [plugin, attack] of Object.entries(mysqlAttacks)) {
  test(`MySQL: ${plugin} is not sent the password without TLS, unless the DataSource allows it`, async () => {
    for (const mode of ['Disable', 'Prefer'])
      await refused(heardByMysql(onceLoggedIn(attack), tls(mode)), 'mysql', new RegExp(plugin));
    const heard = await heardByMysql(onceLoggedIn(attack), { ...tls('Disable'), ...allowed });
    assert.ok(heard.includes(password));
  });
}

test('MySQL: mysql_clear_password needs TLS that is required', async () => {
  const attack = { ...mysqlAttacks.mysql_clear_password, certificate };
  await refused(heardByMysql(onceLoggedIn(attack), tls('Prefer')), 'mysql', /mysql_clear_password/);
  await heardByMysql(onceLoggedIn(attack), tls('Require'));
});

test('MySQL: check warns where an impostor would receive the password', async () => {
  for (const [plugin, more] of [
    ['caching_sha2_password', tls('Prefer')],
    ['caching_sha2_password', tls('Require')],
    ['mysql_clear_password', { ...tls('Require'), ...allowed }],
  ] as const) {
    const server = await rogueMysql(onceLoggedIn({ ...mysqlAttacks[plugin], certificate }));
    try {
      const { findings } = await mysqlConnector.check(accessOf(server.port, more), never);
      assert.ok(
        findings.some(({ code, severity }) => code === 'ServerNotVerified' && severity === 'warning'),
      );
    } finally {
      await server.stop();
    }
  }
});

test('MySQL: a switch to an old plugin is reported, and for others only a proof of the password is sent', async () => {
  for (const plugin of ['mysql_old_password', 'dialog'])
    await assert.rejects(heardByMysql({ login: (sequence) => switchTo(sequence, plugin) }), {
      code: 'AuthenticationFailed',
      message: new RegExp(plugin),
    });
  await assert.rejects(heardByMysql({ login: (sequence) => packet(sequence, Buffer.from([0xfe])) }), {
    code: 'AuthenticationFailed',
  });
  const native = onceLoggedIn({
    login: (sequence) => switchTo(sequence, 'mysql_native_password'),
    more: (sequence) => packet(sequence, ok),
  });
  assert.ok(!(await heardByMysql(native)).includes(password));
});
