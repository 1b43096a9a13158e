import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { projectFolder } from '../../e2e/kit/processes.ts';
import { connector } from './connector.ts';
import { Session } from './session.ts';
import { onEachServer } from './test-harness.ts';

const { signal } = new AbortController();

/** Words before a parenthesis in the statements of this connector: functions, and harmless words. */
function namesInSource(): ReadonlySet<string> {
  const files = globSync('connectors/{mysql,sql}/**/*.ts', { cwd: projectFolder, exclude: ['**/*.test.ts'] });
  const texts = files.map((file) => readFileSync(join(projectFolder, file), 'utf8'));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/\b([A-Z][A-Z0-9_]+) ?\(/g)].map((match) => match[1] ?? '')),
  );
}

onEachServer((database) => {
  before(async () => {
    await database.run('CREATE TABLE ran (what TEXT)');
    await database.fill('named_from', 3);
  });

  const requireNotRun = async () => assert.deepEqual(await database.run('SELECT * FROM ran'), []);

  test('functions of other users with the names of functions that Idra uses are not called', async () => {
    const planted = [...namesInSource()];
    for (const each of ['COUNT', 'CONCAT', 'UTC_TIMESTAMP', 'GET_LOCK', 'POW', 'UNHEX', 'CURRENT_USER'])
      assert.ok(planted.includes(each), each);
    for (const each of planted) {
      const body = `READS SQL DATA SQL SECURITY INVOKER BEGIN INSERT INTO ${database.name}.ran VALUES ('${each}'); RETURN 1; END`;
      await database.server.query(`CREATE FUNCTION \`${each}\`() RETURNS INT ${body}`, database.name);
    }
    await connector.check(database.access, signal);
    await connector.discover(database.access, signal);
    for (const writeMode of ['Append', 'Upsert', 'Replace'] as const) {
      const flow = await database.flow({
        from: 'named_from',
        to: `to_${writeMode}`,
        writeMode,
        uid: writeMode,
      });
      await flow.source.check('Id', signal);
      await flow.destination.check(writeMode, signal);
      await flow.claim();
      await flow.pass();
      if (writeMode === 'Upsert')
        await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
      await flow.destination.largest(['id'], signal);
      await flow.destination.closeRows(writeMode, 9n, signal);
      await flow.close();
      assert.deepEqual(await database.run(`SELECT COUNT(*) FROM to_${writeMode}`), [['3']]);
    }
    await requireNotRun();
  });

  test('functions and triggers of other users do not change how literals are read', async () => {
    const set =
      "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'; SET SESSION character_set_client = 'gbk';";
    const asRoot = (sql: string) => database.server.query(sql, database.name);
    await asRoot(`CREATE FUNCTION changes_modes() RETURNS INT READS SQL DATA BEGIN ${set} RETURN 1; END`);
    await asRoot(`CREATE TRIGGER setting BEFORE INSERT ON named_from FOR EACH ROW BEGIN ${set} END`);
    const session = await Session.open(database.access, 'writer', signal);
    await session.allowWrites(signal);
    const sql = 'SELECT @@sql_mode, @@character_set_client, @@character_set_connection';
    const before = await session.query(sql, signal);
    await session.query("SELECT changes_modes(); INSERT INTO named_from VALUES (9, 'x')", signal);
    assert.deepEqual(await session.query(sql, signal), before);
    await session.close();
  });
});
