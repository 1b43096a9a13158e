import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from './kit/free-port.ts';
import { type CommandResult, projectFolder, runCommand } from './kit/processes.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SqlSystem, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { tableCases } from './wrong-input/cases.ts';

/**
 * Every error is reported with its file, line and field, or its Sync and field, and with a remedy; the exit status shows who must fix it;
 * and nothing is written.
 */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('wrong-input');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

async function idra(cwd: string, ...args: readonly string[]): Promise<CommandResult> {
  return await runCommand(`${projectFolder}/bin/idra`, args, { cwd });
}

describe('in the manifests', () => {
  test('every mistake of every object is reported in one run, with its line', async () => {
    const cwd = await emptyFolder('all');
    const original = join(projectFolder, 'e2e/wrong-input/wrong.yaml');
    await copyFile(original, join(cwd, 'wrong.yaml'));
    const lines = (await readFile(original, 'utf8')).split('\n');
    const expected = lines.flatMap((line, index) => {
      const [, message] = line.split('#! ');
      return message === undefined || index === 0 ? [] : [{ line: index + 1, message }];
    });
    assert.ok(expected.length > 25);
    for (const command of ['run', 'check', 'plan']) {
      const { code, stdout, stderr } = await idra(cwd, command, '-f', 'wrong.yaml');
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      const errors = errorsOf(stderr);
      for (const { line, message } of expected) {
        const pattern = new RegExp(`^wrong\\.yaml:${line}:\\d+: error: ${message}`);
        assert.ok(
          errors.some((error) => pattern.test(error)),
          `${command}: no error matches ${pattern}; there are\n${errors.join('\n')}`,
        );
      }
      assert.equal(errors.length, expected.length, errors.join('\n'));
      assert.doesNotMatch(stderr, /s3cret-value/);
    }
    assert.deepEqual(await readdir(cwd), ['wrong.yaml']);
  });

  const unreadable: readonly [string, string, RegExp][] = [
    ['a tab', 'kind: Sync\n\tname: x\n', /^bad\.yaml:2:\d+: error: .*[Tt]ab/],
    ['an open bracket', 'a: 1\nb: [1, 2\nc: 3\n', /^bad\.yaml:[23]:\d+: error: /],
    ['a key twice', 'kind: Sync\nkind: Sync\n', /^bad\.yaml:2:\d+: error: .*unique/],
    ['a list', '- 1\n- 2\n', /^bad\.yaml:1:\d+: error: this is not an object/],
  ];
  test('invalid YAML is reported with its line', async () => {
    const cwd = await emptyFolder('unreadable');
    for (const [what, text, pattern] of unreadable) {
      await writeFile(join(cwd, 'bad.yaml'), text);
      const { code, stderr } = await idra(cwd, 'plan', '-f', 'bad.yaml');
      assert.equal(code, 2, what);
      assert.match(stderr, pattern, what);
    }
    const { code, stderr } = await idra(cwd, 'run', '-f', 'nowhere.yaml');
    assert.equal(code, 2);
    assert.match(stderr, /nowhere\.yaml does not exist; give a file or a folder/);
  });
});

/** Each error with its remedy in one line. */
function errorsOf(stderr: string): readonly string[] {
  return stderr
    .replace(/\n {4}/g, '; ')
    .split('\n')
    .filter((line) => line.includes(': error: '));
}

interface Checked {
  readonly name: string;
  readonly findings: readonly { severity: string; path?: string; message: string; fix?: string }[];
}

/** The errors of the DataSource whose name ends with this. */
type ErrorsOf = (name: string) => string;

describe('at the systems', () => {
  const wrongPassword = (database: TestDatabase<SqlSystem>, name: string) =>
    database.manifest(name).replace(/password: "[^"]+"/, 'password: "wr0ng-password"');
  const elsewhere = (database: TestDatabase<SqlSystem>, name: string) =>
    database.manifest(name).replace(/database: \w+/, 'database: no_such_database');
  const unreachable = (database: TestDatabase<SqlSystem>, name: string, port: number) =>
    database.manifest(name).replace(/port: \d+/, `port: ${port}`);
  const encrypted = (database: TestDatabase, name: string) =>
    database.manifest(name).replace('passwordSecretRef', 'tls: { mode: Require }, passwordSecretRef');

  /** What `idra check` reports about these databases with one wrong field each, and about manifests in addition. */
  async function checkWrong(databases: readonly TestDatabase<SqlSystem>[], more = ''): Promise<ErrorsOf> {
    const cwd = await emptyFolder(`systems-${databases.map(({ system }) => system).join('-')}`);
    const port = await freePort();
    const wrong = databases.flatMap((each) => [
      wrongPassword(each, `${each.system}-password`),
      elsewhere(each, `${each.system}-database`),
      unreachable(each, `${each.system}-host`, port),
      each.manifest(`${each.system}-good`),
    ]);
    await writeFile(join(cwd, 'check.yaml'), more + wrong.join(''));
    const { code, stdout, stderr } = await idra(cwd, 'check', '-f', 'check.yaml', '-o', 'json');
    assert.equal(code, 1, stderr);
    assert.doesNotMatch(stdout + stderr, /wr0ng-password/);
    assert.deepEqual(await readdir(cwd), ['check.yaml']);
    const checked = JSON.parse(stdout) as Checked[];
    const errorOf: ErrorsOf = (name) => {
      const found = checked.find((each) => each.name.endsWith(name));
      return (found?.findings ?? [])
        .filter((each) => each.severity === 'error')
        .map((each) => `${each.path}: ${each.message}; ${each.fix}`)
        .join('\n');
    };
    for (const { system } of databases) {
      assert.match(errorOf(`${system}-password`), /^spec\.\w+\.passwordSecretRef: .*;.*password/s);
      assert.match(errorOf(`${system}-database`), /no_such_database.*; (?!undefined)/s);
      assert.match(errorOf(`${system}-host`), new RegExp(`127\\.0\\.0\\.1.*${port}.*; (?!undefined)`, 's'));
      assert.equal(errorOf(`${system}-good`), '');
    }
    return errorOf;
  }

  test('a wrong password, an unknown database, an unreachable host and no TLS', async () => {
    const postgres = await systems.createDatabase('postgres');
    const mysql = await systems.createDatabase('mysql');
    const mariadb = await systems.createDatabase('mariadb');
    const errorOf = await checkWrong(
      [postgres, mysql],
      encrypted(postgres, 'postgres-tls') + encrypted(mariadb, 'mariadb-tls'),
    );
    for (const system of ['postgres', 'mariadb'])
      assert.match(errorOf(`${system}-tls`), /(TLS|secure).*; .*tls\.mode/s);
  });

  test('a wrong password, an unknown database and an unreachable host of SQL Server', async () => {
    await checkWrong([await systems.createDatabase('sqlserver')]);
  });

  for (const system of ['postgres', 'mysql', 'sqlite', 'sqlserver'] as const) {
    test(`tables, keys and types of ${system}`, async () => {
      const source = await systems.createDatabase(system);
      const destination = await systems.createDatabase(system);
      const cases = tableCases.filter(({ only }) => only === undefined || only.includes(system));
      await source.execute(...cases.flatMap((each) => each.source?.(source) ?? []));
      await destination.execute(...cases.flatMap((each) => each.destination?.(destination) ?? []));
      const before = await contents(destination);
      const single = new SingleMode(join(folder, `tables-${system}`));
      await single.write(
        source.manifest('source') +
          destination.manifest('destination') +
          cases.map((each) => syncManifest(each.name, each.spec(source, destination))).join(''),
      );
      const plan = await single.plan();
      const { code, status } = await single.runOnce();
      assert.equal(code, 1);
      for (const { name, code: expected, path, says, fix } of cases) {
        const found = plan.get(name)?.findings.find((each) => each.severity === 'error');
        assert.equal(found?.code, expected, `${name}: ${JSON.stringify(plan.get(name)?.findings)}`);
        assert.equal(found?.path, path, name);
        assert.match(found?.message ?? '', says, name);
        assert.match(found?.fix ?? '', fix, name);
        const shown = status.get(name);
        assert.equal(shown?.state, 'Failed', name);
        assert.equal(shown?.reason, expected, name);
        assert.ok(shown?.message.startsWith(`${path}: `), `${name}: ${shown?.message}`);
        assert.match(shown?.message ?? '', says, name);
      }
      assert.deepEqual(await contents(destination), before, 'something was written');
    });
  }
});

/** Names of all tables, with their rows. */
async function contents(database: TestDatabase<SqlSystem>): Promise<readonly string[]> {
  const sql = {
    postgres:
      "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
    mysql: 'SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1',
    mariadb: 'SELECT table_name FROM information_schema.tables WHERE table_schema = database() ORDER BY 1',
    sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
    sqlserver: "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1",
  }[database.system];
  const found: string[] = [];
  for (const [name] of await database.rows(sql)) {
    const rows = await database.rows(`SELECT * FROM ${database.quote(String(name))}`);
    found.push(`${name}: ${JSON.stringify(rows)}`);
  }
  return found;
}

describe('in stored data', () => {
  const manifests = (source: TestDatabase, destination: TestDatabase, spec: object) =>
    source.manifest('source') +
    destination.manifest('destination') +
    syncManifest('orders', {
      source: { dataSource: 'source', table: source.tableName('orders'), idField: 'id' },
      destination: { dataSource: 'destination', table: destination.tableName('orders') },
      mode: 'Id',
      ...spec,
    });

  test('the state file of another sync, a lost one, one in use and an invalid one', async () => {
    const source = await systems.createDatabase('sqlite');
    const destination = await systems.createDatabase('postgres');
    await source.execute(
      'CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT)',
      'INSERT INTO orders VALUES (1), (2)',
    );
    const single = new SingleMode(join(folder, 'state'));
    await single.write(manifests(source, destination, {}));
    await single.runWell();
    await source.execute('INSERT INTO orders VALUES (3)');
    const written = await contents(destination);
    const isUntouched = async () => assert.deepEqual(await contents(destination), written);
    const withState = (state: string) => single.runQuietly('--state', state);

    const lost = await withState('lost.db');
    assert.equal(lost.code, 1);
    assert.match(
      lost.stderr,
      /orders: OffsetNoLongerFits: .*another Sync named default\/orders.*restart.*keep-offset/,
    );

    await writeFile(
      join(single.folder, 'none.db'),
      'this is no state file, it is a text that is long enough to look at',
    );
    const none = await withState('none.db');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /none\.db.*;/);

    await single.write(manifests(source, destination, { mode: 'Snapshot' }));
    const changed = await single.runQuietly();
    assert.equal(changed.code, 1);
    assert.match(
      changed.stderr,
      /orders: OffsetNoLongerFits: .*mode Id, and mode Snapshot cannot continue.*restart orders --yes/,
    );
    await isUntouched();

    await single.write(manifests(source, destination, { schedule: { continuous: true } }));
    const running = await single.start();
    const count = () => destination.rows('SELECT count(*) FROM orders');
    await until(async () => (await count())[0]?.[0] === '3', { what: 'row 3' });
    const inUse = await single.runQuietly();
    await running.process.stop();
    assert.equal(inUse.code, 2);
    assert.match(inUse.stderr, new RegExp(`state\\.db.*${running.process.pid}`));
  });

  test('Append onto a table with rows', async () => {
    const source = await systems.createDatabase('sqlite');
    const destination = await systems.createDatabase('mysql');
    await source.execute(
      'CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT)',
      'INSERT INTO orders VALUES (1), (2)',
    );
    await destination.execute(
      'CREATE TABLE orders (id bigint PRIMARY KEY)',
      'INSERT INTO orders VALUES (77)',
    );
    const single = new SingleMode(join(folder, 'append'));
    await single.write(manifests(source, destination, { writeMode: 'Append' }));
    const before = await contents(destination);
    const { code, status } = await single.runOnce();
    assert.equal(code, 1);
    assert.equal(status.get('orders')?.reason, 'DestinationNotEmpty');
    assert.match(status.get('orders')?.message ?? '', /^spec\.destination\.existingRows: .*Keep/);
    assert.deepEqual(await contents(destination), before);
  });
});

async function emptyFolder(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  return path;
}
