import assert from 'node:assert/strict';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { errorMessage, int32, message, roguePostgres } from './hostile/rogue-postgres.ts';
import { runOrFail } from './kit/processes.ts';
import { faultProxy } from './kit/proxy.ts';
import { postgres } from './kit/servers.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { dataSourceManifest, type SystemName, secretManifest, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

const folder = await tempFolder('hostile');
const systems = new TestSystems(folder);
after(() => systems.stop());

let count = 0;
async function singleMode(manifests: string): Promise<SingleMode> {
  const single = new SingleMode(join(folder, `run-${++count}`));
  await single.write(manifests);
  return single;
}

const esc = String.fromCharCode(27);
const bell = String.fromCharCode(7);

/** Manifest of a Sync that needs no server. */
const files = (name: string, source: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: files }
spec: { sqlite: { path: ${JSON.stringify(join(folder, `${name}.db`))} } }
---
${syncManifest(name, { source: { dataSource: source, table: 'a' }, destination: { dataSource: 'files', table: 'b' }, mode: 'Snapshot' })}`;

test('manifests: terminal escapes are printed as text', async () => {
  const single = await singleMode(files('title', `x${esc}]0;taken${bell}`));
  const { code, stdout, stderr } = await single.command(['check', '-f', 'syncs.yaml']);
  assert.equal(code, 2);
  assert.ok(!`${stdout}${stderr}`.includes(esc), 'an escape reached the output');
  assert.match(stderr, /\\u001b\]0;taken\\u0007/);
});

test('manifests: alias bombs, deep nesting and floods are reported in one line', async () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
  }
  const cases: readonly [text: string, expected: RegExp][] = [
    [bomb.join('\n'), /syncs\.yaml:1:1: error: its aliases .* more than 100 copies/],
    ['['.repeat(200_000), /error: .*(nested too deeply|flow collection|Flow sequence)/i],
    [`# ${'x'.repeat(17 << 20)}`, /more than 16 MiB/],
    ['---\n{ kind: A, apiVersion: v1 }\n'.repeat(10_001), /has 10001 objects; give at most 10000/],
  ];
  for (const [text, expected] of cases) {
    const single = await singleMode(text);
    const { code, stderr } = await single.command(['check', '-f', 'syncs.yaml']);
    assert.match(stderr.slice(0, 2_000), expected);
    assert.doesNotMatch(stderr, /bug in Idra/);
    assert.equal(code, 2);
  }
});

test('manifests: thousands of Syncs without their DataSources are reported one by one', async () => {
  const spec = {
    source: { dataSource: 'missing', table: 'a' },
    destination: { dataSource: 'files', table: 'b' },
    mode: 'Snapshot',
  };
  const syncs = Array.from({ length: 3_000 }, (_, index) => syncManifest(`sync-${index}`, spec));
  const single = await singleMode(syncs.join(''));
  const { code, stderr } = await single.command(['check', '-f', 'syncs.yaml']);
  assert.equal(code, 2);
  assert.equal(stderr.match(/there is no DataSource default\/missing/g)?.length, 3_000);
});

test('only the owner can access the state file and its folder', async () => {
  const single = await singleMode(files('private', 'files'));
  await single.runOnce();
  const modeOf = async (path: string) => ((await stat(join(single.folder, path))).mode & 0o777).toString(8);
  assert.equal(await modeOf('.idra'), '700');
  assert.equal(await modeOf('.idra/state.db'), '600');
  // As an earlier version created it.
  await runOrFail('chmod', ['644', join(single.folder, '.idra/state.db')], { cwd: single.folder });
  await single.runOnce();
  assert.equal(await modeOf('.idra/state.db'), '600');
});

test('a long message, one of megabytes, and one with escapes are reported in a few lines', async () => {
  const text = (length: number) => errorMessage('constructor', `${esc}[2J${'x'.repeat(length)}`);
  await requireFewLines(text(60_000), /\\u001b\[2Jxxx.*cut off, 600\d\d characters in all/);
  await requireFewLines(text(3_000_000), /a message of 30000\d\d bytes during the login/);
});

async function requireFewLines(login: Buffer, expected: RegExp): Promise<void> {
  const server = await roguePostgres({ login });
  try {
    const address = { host: '127.0.0.1', port: server.port, database: 'd', user: 'u', password: 'p' };
    const single = await singleMode(
      secretManifest('rogue', 'p') +
        dataSourceManifest('rogue', 'postgres', address) +
        files('rogue', 'rogue'),
    );
    const { status, stderr } = await single.runOnce();
    const { state, message } = status.get('rogue') ?? {};
    assert.equal(state, 'Failed');
    assert.match(message ?? '', expected);
    assert.ok((message ?? '').length < 5_000);
    assert.ok(stderr.length < 20_000 && !stderr.includes(esc));
  } finally {
    await server.stop();
  }
}

test('servers that violate their protocol or require an unsupported feature fail their Sync, with the reason', async () => {
  const attacks = {
    gss: { login: message('R', int32(7)) },
    endless: { statement: () => message('E', 'SERROR\0') },
  };
  const expected = { gss: /authentication by GSSAPI/, endless: /violates its protocol/ };
  for (const name of ['gss', 'endless'] as const) {
    const server = await roguePostgres(attacks[name]);
    try {
      const login = { host: '127.0.0.1', port: server.port, database: 'd', user: 'u', password: 'p' };
      const single = await singleMode(
        secretManifest('rogue', 'p') + dataSourceManifest('rogue', 'postgres', login) + files(name, 'rogue'),
      );
      const { code, status } = await single.runOnce();
      assert.equal(code, 1);
      assert.equal(status.get(name)?.state, 'Failed');
      assert.match(status.get(name)?.message ?? '', expected[name]);
    } finally {
      await server.stop();
    }
  }
});

/** Raises an error with the row's own value, as a trigger of a user might. */
const raising: Readonly<Record<Exclude<SystemName, 'mysql'>, readonly string[]>> = {
  postgres: [
    "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'private %', NEW.name USING ERRCODE = '42501'; END $$",
    'CREATE TRIGGER tell BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION tell()',
  ],
  mariadb: [
    "CREATE TRIGGER tell BEFORE INSERT ON target FOR EACH ROW BEGIN DECLARE told TEXT; SET told = CONCAT('private ', NEW.name); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = told, MYSQL_ERRNO = 1146; END",
  ],
  sqlite: ["CREATE TRIGGER tell BEFORE INSERT ON target BEGIN SELECT RAISE(ABORT, 'private Ada'); END"],
};

for (const system of ['postgres', 'mariadb', 'sqlite'] as const) {
  test(`${system}: the text that a trigger raises about a row is in no status and no output`, async () => {
    const source = await systems.createDatabase('sqlite');
    await source.execute('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL)');
    await source.execute("INSERT INTO people VALUES (1, 'Ada')");
    const target = await systems.createDatabase(system);
    await target.execute(
      `CREATE TABLE target (id ${system === 'sqlite' ? 'INTEGER' : 'BIGINT'} PRIMARY KEY, name ${system === 'mariadb' ? 'LONGTEXT' : 'TEXT'} NOT NULL)`,
      ...raising[system],
    );
    const spec = {
      source: { dataSource: 'source', table: 'people' },
      destination: { dataSource: 'target', table: target.tableName('target') },
      mode: 'Snapshot',
    };
    const single = await singleMode(
      source.manifest('source') + target.manifest('target') + syncManifest('people', spec),
    );
    const { status, stderr } = await single.runOnce();
    const seen = status.get('people');
    assert.equal(seen?.state, 'Failed', JSON.stringify(seen));
    assert.match(seen?.message ?? '', /a trigger or function of the database has refused it/);
    assert.doesNotMatch(`${JSON.stringify(seen)}${stderr}`, /private|Ada/);
  });
}

test('SIGTERM ends a run whose server has fallen silent in the middle of COPY', async () => {
  const server = await postgres();
  const database = await server.createDatabase();
  await server.query('CREATE TABLE t AS SELECT id FROM generate_series(1, 10) id', database.database);
  await server.query(
    `ALTER TABLE t ADD PRIMARY KEY (id); ALTER TABLE t OWNER TO "${database.user}"`,
    database.database,
  );
  const proxy = await faultProxy(database.host, database.port);
  let isStalled = false;
  proxy.onClientData((chunk) => {
    if (!chunk.includes('; COPY')) return undefined;
    isStalled = true;
    proxy.pause('toClient');
    return undefined;
  });
  try {
    const spec = {
      source: { dataSource: 'source', table: 'public.t' },
      destination: { dataSource: 'files', table: 't' },
      mode: 'Snapshot',
    };
    await mkdir(folder, { recursive: true });
    const single = await singleMode(
      secretManifest('source', database.password) +
        dataSourceManifest('source', 'postgres', { ...database, port: proxy.port }) +
        `${files('stalled', 'files').split('---')[0]}---\n${syncManifest('stalled', spec)}`,
    );
    await writeFile(join(folder, 'stalled.db'), '');
    const running = await single.start({ IDRA_DRAIN_TIMEOUT: '2s' });
    await until(() => isStalled, { what: 'the COPY', timeoutMs: 60_000 });
    running.process.kill('SIGTERM');
    const exit = await running.process.waitForExit(20_000);
    assert.notEqual(exit.signal, 'SIGKILL');
  } finally {
    await proxy.stop();
    await server.stop();
  }
});
