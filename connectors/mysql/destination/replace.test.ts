import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;
const firstPass = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;

onEachServer((database) => {
  before(async () => {
    await run(
      "CREATE TABLE rep_from (id INT PRIMARY KEY, body VARCHAR(20)); INSERT INTO rep_from VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')",
    );
  });

  const run = (sql: string) => database.run(sql);
  const rows = (table: string) => run(`SELECT * FROM ${table} ORDER BY 1`);
  const ownTables = () => run("SHOW TABLES LIKE '\\_idra\\_%'");
  const open = (to: string) => database.flow({ from: 'rep_from', to, writeMode: 'Replace', maxRows: 2 });

  test('a replaced table has only the new rows, and its indexes and defaults; readers see the old rows until the end', async () => {
    await run(`CREATE TABLE rep_to (id INT PRIMARY KEY, body VARCHAR(20), at DATETIME DEFAULT CURRENT_TIMESTAMP, KEY by_body (body));
        INSERT INTO rep_to (id, body) VALUES (1, 'old'), (99, 'old'); CREATE VIEW rep_view AS SELECT id FROM rep_to`);
    const flow = await open('rep_to');
    assert.deepEqual(await flow.destination.check('Replace', signal), []);
    await flow.claim();
    await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
    for await (const batch of flow.source.read({ ...flow.request, after: firstPass }, signal)) {
      await flow.destination.write(batch, signal);
      assert.deepEqual(await run('SELECT id FROM rep_to ORDER BY 1'), [['1'], ['99']]);
    }
    await flow.destination.endPass({ ...firstPass, isComplete: true }, signal);
    assert.deepEqual(await run('SELECT id, body FROM rep_to ORDER BY 1'), await rows('rep_from'));
    assert.deepEqual(await run('SELECT COUNT(*) FROM rep_view'), [['5']]);
    assert.equal((await run("SHOW INDEX FROM rep_to WHERE Key_name = 'by_body'")).length, 1);
    assert.deepEqual(await ownTables(), [['_idra_commits']]);
    await flow.pass({ ...firstPass, pass: 2 });
    assert.deepEqual(await run('SELECT COUNT(*) FROM rep_to'), [['5']]);
  });

  test('stopped between the swap and its commit row: the resumed pass swaps back and continues', async () => {
    await run(
      "CREATE TABLE cut_to (id INT PRIMARY KEY, body VARCHAR(20)); INSERT INTO cut_to VALUES (9, 'old')",
    );
    const first = await open('cut_to');
    await first.claim({ token: 1n });
    let commits = 0;
    installCrashHook((point) => {
      if (point === 'commit:before' && ++commits === 4) throw new Error('killed here');
    });
    await assert.rejects(first.pass(), /killed here/);
    installCrashHook(undefined);
    assert.deepEqual(await rows('cut_to'), await rows('rep_from'));
    const [[offset] = []] = await run("SELECT `offset` FROM _idra_commits WHERE `table` = 'cut_to'");
    const second = await open('cut_to');
    await second.claim({ token: 2n });
    const stored = JSON.parse(offset ?? '');
    assert.deepEqual([stored.key, stored.isComplete], [['5'], false]);
    await second.pass(stored);
    assert.deepEqual(await rows('cut_to'), await rows('rep_from'));
    const [[complete] = []] = await run("SELECT `offset` FROM _idra_commits WHERE `table` = 'cut_to'");
    assert.equal(JSON.parse(complete ?? '').isComplete, true);
    assert.deepEqual(await ownTables(), [['_idra_commits']]);
  });

  test('rows with equal keys of the destination are refused', async () => {
    await run(
      "CREATE TABLE same (id INT, body VARCHAR(9)); INSERT INTO same VALUES (1, 'a'), (2, 'b'), (1, 'c')",
    );
    const flow = await database.flow({
      from: 'same',
      to: 'same_to',
      key: ['id'],
      writeMode: 'Replace',
      maxRows: 2,
    });
    await flow.claim();
    await assert.rejects(flow.pass(), { code: 'KeyNotUnique', message: /^1 row of a batch .* \(id\)/ });
    assert.deepEqual(await rows('same_to'), []);
  });

  test('objects that do not survive are reported, and a foreign key that would reference the dropped table is refused', async () => {
    await run(`CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE middle (id INT PRIMARY KEY, body VARCHAR(20), parent INT, CONSTRAINT to_parent FOREIGN KEY (parent) REFERENCES parent (id));
        CREATE TABLE child (id INT PRIMARY KEY, middle INT, FOREIGN KEY (middle) REFERENCES middle (id))`);
    await database.server.query(
      'CREATE TRIGGER note BEFORE INSERT ON middle FOR EACH ROW SET @noted = 1',
      database.name,
    );
    const flow = await open('middle');
    const findings = await flow.destination.check('Replace', signal);
    assert.deepEqual(findings.map((each) => [each.severity, each.code]).sort(), [
      ['error', 'ReplaceBreaksForeignKey'],
      ['warning', 'NotKeptByReplace'],
      ['warning', 'NotKeptByReplace'],
    ]);
  });
});
