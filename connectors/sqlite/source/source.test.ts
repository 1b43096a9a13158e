import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import type { ReadRequest, Source } from '../../../core/connector.ts';
import type { Offset } from '../../../core/offset.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { connector } from '../connector.ts';
import { access, execute, openSource, query, readAll, requestFor, signal } from '../test-harness.ts';

let folder: string;
let file: string;
const opened: (Source | Database.Database)[] = [];

beforeEach(async () => {
  folder = await tempFolder('source');
  file = join(folder, 's.db');
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await removeFolder(folder);
});

async function open(object: Partial<SourceObject> = { table: 't' }): Promise<Source> {
  const source = await openSource(file, object);
  opened.push(source);
  return source;
}

function session(): Database.Database {
  const database = new Database(file, { timeout: 0 });
  opened.push(database);
  return database;
}

async function read(source: Source, change: Partial<ReadRequest> = {}) {
  const relation = await source.describe(signal);
  return await readAll(source, requestFor(relation, change));
}

const ids = (rows: readonly (readonly unknown[])[]) => rows.map((row) => Number(row[0]));

test('every key type pages in its own order, two rows at a time', async () => {
  const keys: readonly [ddl: string, values: string][] = [
    ['INTEGER', '(9223372036854775807), (-9223372036854775808), (0), (10), (9)'],
    [
      'TEXT',
      "('10'), ('9'), ('it''s'), ('1e5'), (''), ('🌊'), ('x''41'''), ('a' || char(0) || 'b'), ('a' || char(0) || 'c')",
    ],
    ['BLOB', "(x''), (x'00'), (x'00ff'), (x'ff')"],
    ['REAL', '(0.1), (-9e999), (9e999), (1e300), (1)'],
    ['', "(1), ('1'), (1.5), ('a'), (x'00'), ('x''00'''), ('''q'''), ('''' || char(0) || '1')"],
    ['DECIMAL(10,2)', "(10), (9.5), ('text'), (-1)"],
    ['BOOLEAN', "(0), (1), ('true')"],
    ['DATETIME', "('2026-11-24T08:00:00Z'), ('2026-11-24'), (1700000000)"],
  ];
  for (const [index, [ddl, values]] of keys.entries()) {
    execute(
      file,
      `CREATE TABLE k${index} (k ${ddl} NOT NULL PRIMARY KEY) WITHOUT ROWID; INSERT INTO k${index} VALUES ${values}`,
    );
    const source = await open({ table: `k${index}` });
    const { batches } = await read(source, {
      limits: { maxRows: 2, maxBytes: 1 << 20 },
      rowFormat: { format: 'sqlite', as: ['stored'] },
    });
    const expected = query(file, `SELECT count(*) FROM k${index}`)[0]?.[0];
    assert.equal(
      batches.reduce((sum, each) => sum + each.rowCount, 0),
      Number(expected),
      ddl,
    );
    const offsets = batches.map((each) => JSON.stringify(each.offset));
    assert.equal(new Set(offsets).size, batches.length);
  }
});

test('a query: columns by their types, paged by its key; a comment at its end harms nothing', async () => {
  execute(
    file,
    'CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, NULL), (2, NULL), (3, NULL)',
  );
  const source = await open({
    query: 'SELECT id, at, id + 1 AS next FROM t WHERE id > 1 -- not the first;',
    key: ['id'],
  });
  const relation = await source.describe(signal);
  assert.deepEqual(
    relation.columns.map((each) => each.type.kind),
    ['int', 'timestamp', 'untyped'],
  );
  const { rows } = await readAll(
    source,
    requestFor(relation, { key: ['id'], limits: { maxRows: 1, maxBytes: 1 << 20 } }),
  );
  assert.deepEqual(rows, [
    [2n, null, 3n],
    [3n, null, 4n],
  ]);
});

test('a text primary key is a key as long as no NULL is in it', async () => {
  execute(file, "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1)");
  const source = await open();
  assert.deepEqual(
    (await source.describe(signal)).keys.map((each) => each.columns),
    [['k']],
  );
  execute(file, 'INSERT INTO t VALUES (NULL, 2)');
  assert.deepEqual((await source.describe(signal)).keys, []);
});

test('a missing file is reported', async () => {
  await assert.rejects((await open()).describe(signal), {
    code: 'SourceFileNotFound',
    path: 'spec.sqlite.path',
  });
  const { version, findings } = await connector.check(access(file), signal);
  assert.match(version, /^SQLite \d+\.\d+\.\d+ \(the file does not exist yet\)$/);
  assert.deepEqual(
    findings.map((each) => each.code),
    ['FileMissing'],
  );
});

test('findings about a field in each mode', async () => {
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL_TEXT(20,0), at TEXT);
    CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT);
    INSERT INTO t VALUES (1, 1, '2026-11-24 08:00:00'), (2, 2, '2026-11-24T08:00:00')`,
  );
  const codes = async (object: Partial<SourceObject>, mode: 'Id' | 'Timestamp') =>
    (await (await open(object)).check(mode, signal)).map((each) => `${each.severity} ${each.code}`);
  assert.deepEqual(await codes({ table: 't', idField: 'id' }, 'Id'), ['warning IdsAreReused']);
  assert.deepEqual(await codes({ table: 'auto', idField: 'id' }, 'Id'), []);
  assert.deepEqual(await codes({ table: 't', idField: 'n' }, 'Id'), ['error FieldNotOrdered']);
  assert.deepEqual(await codes({ table: 't', timestampField: 'at' }, 'Timestamp'), [
    'error TimestampShapesMixed',
  ]);
});

const timestamps: Partial<ReadRequest> = { mode: 'Timestamp', timestampField: 'at', after: null };

test('Timestamp: rows of a second that is not over wait, and are read when it is', async () => {
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);
    INSERT INTO t VALUES (1, datetime('now', '-1 minute')), (2, datetime('now', '+1 minute'))`,
  );
  const source = await open();
  const { rows, end } = await read(source, timestamps);
  assert.deepEqual(ids(rows), [1]);
  assert.deepEqual(
    [end.isHeldBack, end.bound.kind, end.bound.heldBackBy?.what],
    [true, 'singleWriter', 'the current second'],
  );
  assert.equal(end.oldestWaiting, query(file, 'SELECT at FROM t WHERE id = 2')[0]?.[0]);
});

test('Timestamp: in a first pass with an open writer and no visible rows, everything is held back', async () => {
  execute(file, 'PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME)');
  const writer = session();
  writer.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (1, datetime('now', '-1 hour'))");
  const source = await open();
  const { rows } = await read(source, timestamps);
  assert.deepEqual(rows, []);
  writer.exec('COMMIT');
  assert.deepEqual(ids((await read(source, timestamps)).rows), [1]);
});

test('times are compared in the format in which the file holds them', async () => {
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);
    INSERT INTO t VALUES (1, '2026-11-24T08:00:00.120Z'), (2, '2026-11-24T08:00:00.120Z'), (3, '2026-11-24T08:00:01.000Z')`,
  );
  const source = await open();
  // As a destination's largest value, or a user, would provide it.
  const after: Offset = { mode: 'Timestamp', at: '2026-11-24 08:00:00.12', key: ['1'] };
  const { rows, batches } = await read(source, { ...timestamps, after });
  assert.deepEqual(ids(rows), [2, 3]);
  assert.equal(batches[0]?.lastTimestamp, '2026-11-24 08:00:01.000');
  assert.deepEqual(batches[0]?.offset, { mode: 'Timestamp', at: '2026-11-24T08:00:01.000Z', key: ['3'] });
});

test('an offset that equals the text of a row is kept, even if the digits of fractions differ', async () => {
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);
    INSERT INTO t VALUES (1, '2026-11-24 08:00:00.12'), (2, '2026-11-24 08:00:00.12'), (3, '2026-11-24 08:00:00.123')`,
  );
  const source = await open();
  const after: Offset = { mode: 'Timestamp', at: '2026-11-24 08:00:00.12', key: ['1'] };
  assert.deepEqual(ids((await read(source, { ...timestamps, after })).rows), [2, 3]);
});

test('numbers are not times', async () => {
  execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, 1700000000)');
  await assert.rejects(read(await open(), timestamps), {
    code: 'TimestampNotText',
    path: 'spec.source.timestampField',
  });
});

test('rows that wait are counted', async () => {
  execute(
    file,
    'CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)',
  );
  const source = await open();
  const request = requestFor(await source.describe(signal), {
    mode: 'Id',
    key: ['id'],
    after: { mode: 'Id', id: '7' },
  });
  assert.equal(await source.estimateWaiting(request, signal), 3);
});

test('a text with invalid bytes stops the pass, and a replacement character in a valid text does not', async () => {
  const bad = "CAST(x'ff41' AS TEXT)";
  const encodings = ['UTF-8', 'UTF-16le', 'UTF-16be'];
  const badOf = {
    'UTF-8': bad,
    'UTF-16le': "CAST(x'00d84100' AS TEXT)",
    'UTF-16be': "CAST(x'd8000041' AS TEXT)",
  };
  for (const [index, encoding] of encodings.entries()) {
    file = join(folder, `${index}.db`);
    execute(
      file,
      `PRAGMA encoding = '${encoding}';
       CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'é${'\ufffd'}'), (2, 'b');
       CREATE TABLE n (v TEXT); INSERT INTO n SELECT v FROM t`,
    );
    for (const table of ['t', 'n']) {
      const source = await open({ table });
      assert.equal((await read(source)).rows.length, 2);
      execute(file, `UPDATE ${table} SET v = ${badOf[encoding as keyof typeof badOf]} WHERE v = 'b'`);
      await assert.rejects(
        read(source),
        { code: 'ValueNotKept', message: /column v holds a text/ },
        encoding,
      );
    }
  }
});

test('two spellings of one key are refused: existing ones, and one on a later page', async () => {
  const one = '0a000000-0000-4000-8000-0000000000f0';
  execute(
    file,
    `CREATE TABLE t (id INTEGER NOT NULL UNIQUE, k UUID NOT NULL PRIMARY KEY);
     INSERT INTO t VALUES (1, '${one}'), (2, '00000000-0000-4000-8000-000000000001')`,
  );
  const source = await open();
  const byId = {
    mode: 'Id',
    key: ['id'],
    distinct: ['k'],
    limits: { maxRows: 1, maxBytes: 1 << 20 },
  } as const;
  const { batches } = await read(source, { ...byId, after: null });
  assert.equal(batches.length, 2);
  execute(file, `INSERT INTO t VALUES (3, '${one.toUpperCase()}')`);
  await assert.rejects(read(source, { ...byId, after: { mode: 'Id', id: '2' } }), { code: 'KeyCoarser' });
  await assert.rejects(read(await open(), { distinct: ['k'] }), { code: 'KeyCoarser' });
  // Another file keeps both.
  assert.equal((await read(source)).rows.length, 3);
  execute(file, `DELETE FROM t WHERE id = 1`);
  assert.equal((await read(source, { distinct: ['k'] })).rows.length, 2);
});
