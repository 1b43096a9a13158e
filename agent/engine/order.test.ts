import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TwoFiles } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('order'));
});
afterEach(() => files.close());

const query = (source: object, more: object = {}) => ({
  source: { dataSource: 'source', query: 'SELECT * FROM t', ...source },
  destination: { dataSource: 'destination', table: 't' },
  batch: { maxRows: 2 },
  ...more,
});
const ties = (rows: string) => `CREATE TABLE t (g INT, v TEXT, u TIMESTAMP); INSERT INTO t VALUES ${rows}`;
const at = (second: number) => `'2026-01-01 10:00:0${second}'`;

/** Three rows of one value across the boundary of a batch of two. */
const edge = `(1, 'a', ${at(1)}), (2, 'b', ${at(2)}), (2, 'c', ${at(2)}), (2, 'd', ${at(2)}), (3, 'e', ${at(3)})`;

for (const [name, spec] of Object.entries({
  Snapshot: query({ key: ['g'] }, { mode: 'Snapshot' }),
  Id: query({ key: ['g'], idField: 'g' }, { mode: 'Id', writeMode: 'Append' }),
  Timestamp: query({ key: ['g'], timestampField: 'u' }, { mode: 'Timestamp', writeMode: 'Append' }),
  'Snapshot of a view': {
    ...query({}),
    source: { dataSource: 'source', table: 'w', key: ['g'] },
    mode: 'Snapshot',
  },
})) {
  test(`rows of one value at the edge of two batches stop the Sync: ${name}`, async () => {
    files.execute('source', `${ties(edge)}; CREATE VIEW w AS SELECT * FROM t`);
    const { end, status } = await files.once(spec);
    assert.equal(end.outcome, 'failed');
    assert.equal(status.reason, 'KeyNotUnique');
    assert.match(
      status.message ?? '',
      name === 'Timestamp' ? /\(u, g\) \("2026-01-01 10:00:02", 2\)/ : /g 2/,
    );
  });
}

test('(idField, key) is the position if the id is not unique: all rows arrive', async () => {
  files.execute(
    'source',
    'CREATE TABLE t (id INTEGER PRIMARY KEY, g INT NOT NULL); INSERT INTO t SELECT value, value / 4 FROM generate_series(1, 9)'.replace(
      'generate_series(1, 9)',
      '(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 9) SELECT value FROM n)',
    ),
  );
  const spec = {
    ...query({}),
    source: { dataSource: 'source', table: 't', idField: 'g' },
    mode: 'Id',
    writeMode: 'Append',
  };
  const first = await files.once(spec);
  assert.equal(first.end.outcome, 'complete');
  assert.equal(files.arrived().length, 9);
  assert.equal(files.commitRow()?.[0], '{"mode":"Id","id":"2","key":["9"],"by":["g number","id number"]}');
  assert.match((first.status.warnings ?? []).join(), /g of t is not unique/);
  files.execute('source', 'INSERT INTO t VALUES (10, 2), (11, 3)');
  await files.once(spec);
  assert.equal(files.arrived().length, 11);
});

test('a second row with the value of the offset, after the pass that read the first', async () => {
  files.execute('source', ties(`(1, 'a', ${at(1)}), (2, 'b', ${at(2)})`));
  const spec = query({ key: ['g'], idField: 'g' }, { mode: 'Id', writeMode: 'Append' });
  assert.equal((await files.once(spec)).end.outcome, 'complete');
  files.execute('source', `INSERT INTO t VALUES (2, 'late', ${at(2)})`);
  assert.equal((await files.once(spec)).status.reason, 'KeyNotUnique');
});

const nulls = `(1, 'a', ${at(1)}), (NULL, 'b', ${at(2)}), (3, 'c', ${at(3)}), (NULL, 'd', ${at(4)})`;

for (const [name, spec] of Object.entries({
  Snapshot: query({ key: ['g'] }, { mode: 'Snapshot', writeMode: 'Replace' }),
  Timestamp: query({ key: ['g'], timestampField: 'u' }, { mode: 'Timestamp' }),
})) {
  test(`rows with NULL in the key of a query are counted, and stop the Sync: ${name}`, async () => {
    files.execute('source', ties(nulls));
    const { status } = await files.once({ ...spec, batch: { maxRows: 3 } });
    assert.equal(status.reason, 'KeyNullable', status.message);
    assert.match(status.message ?? '', /(1 row of query has|2 rows of query have) NULL in g/);
  });
}

test('rows with NULL in the cursor field are counted and reported', async () => {
  files.execute('source', ties(nulls));
  const { end, status } = await files.once(query({ key: ['v'], idField: 'g' }, { mode: 'Id' }));
  assert.equal(end.outcome, 'complete', status.message);
  assert.match((status.warnings ?? []).join(), /2 rows have NULL in g/);
});

for (const [mode, source] of Object.entries({
  Snapshot: {},
  Id: { idField: 'g' },
  Timestamp: { timestampField: 'u' },
})) {
  test(`a view without NULL in its key is read: ${mode}`, async () => {
    files.execute(
      'source',
      `${ties(`(1, 'a', ${at(1)}), (2, 'b', ${at(2)}), (3, 'c', ${at(3)})`)}; CREATE VIEW w AS SELECT * FROM t`,
    );
    const { end, status } = await files.once({
      ...query({}),
      source: { dataSource: 'source', table: 'w', key: ['g'], ...source },
      mode,
    });
    assert.equal(end.outcome, 'complete', status.message);
    assert.equal(files.query('destination', 'SELECT * FROM t').length, 3);
  });
}

for (const [mode, source] of Object.entries({ Id: { idField: 'g' }, Timestamp: { timestampField: 'u' } })) {
  test(`a source whose largest value is below the offset stops the Sync until a larger one comes: ${mode}`, async () => {
    const fill = (from: number, to: number) =>
      Array.from(
        { length: to - from + 1 },
        (_, index) => `(${from + index}, 'v', ${at(from + index)})`,
      ).join();
    files.execute(
      'source',
      `CREATE TABLE t (g INT PRIMARY KEY NOT NULL, v TEXT, u TIMESTAMP NOT NULL); INSERT INTO t VALUES ${fill(1, 5)}`,
    );
    const spec = { ...query({}), source: { dataSource: 'source', table: 't', ...source }, mode };
    assert.equal((await files.once(spec)).end.outcome, 'complete');
    files.execute('source', 'DELETE FROM t');
    assert.equal((await files.once(spec)).end.outcome, 'complete', 'an empty source says nothing');
    files.execute('source', `INSERT INTO t VALUES ${fill(1, 3)}`);
    const { status } = await files.once(spec);
    assert.equal(status.reason, 'SourceBehindOffset');
    assert.match(status.message ?? '', /restart .* set the offset to .*3/);
    files.execute('source', `INSERT INTO t VALUES ${fill(6, 6)}`);
    assert.equal((await files.once(spec)).end.outcome, 'complete');
  });
}

test('ids below the offset are not a restart if the generator of ids is above it', async () => {
  files.execute(
    'source',
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); INSERT INTO t (v) VALUES ('a'), ('b'), ('c')",
  );
  const spec = { ...query({}), source: { dataSource: 'source', table: 't', idField: 'id' }, mode: 'Id' };
  await files.once(spec);
  files.execute('source', 'DELETE FROM t WHERE id = 3');
  assert.equal((await files.once(spec)).end.outcome, 'complete');
  files.execute('source', 'UPDATE sqlite_sequence SET seq = 2');
  assert.equal((await files.once(spec)).status.reason, 'SourceBehindOffset');
});

test('a primary key that was changed under a stored offset stops the Sync before a row is skipped', async () => {
  const rows = "INSERT INTO t VALUES (1, 'c', '2026-01-01'), (2, 'b', '2026-01-01'), (3, 'a', '2026-01-01')";
  const columns = (id: string, v: string) => `t (id INTEGER${id}, v TEXT${v}, u TIMESTAMP NOT NULL)`;
  files.execute('source', `CREATE TABLE ${columns(' PRIMARY KEY', ' NOT NULL')}; ${rows}`);
  const spec = {
    ...query({}),
    source: { dataSource: 'source', table: 't', timestampField: 'u' },
    mode: 'Timestamp',
    writeMode: 'Append',
  };
  assert.equal((await files.once(spec)).end.outcome, 'complete');
  files.execute(
    'source',
    `DROP TABLE t; CREATE TABLE ${columns(' NOT NULL', ' PRIMARY KEY NOT NULL')}; ${rows}; INSERT INTO t VALUES (4, 'B', '2026-01-01')`,
  );
  const { status } = await files.once(spec);
  assert.equal(status.reason, 'OffsetNoLongerFits');
  assert.match(status.message ?? '', /order \(u time, id number\), .* order \(u time, v text\)/);
});

test('decimals that SQLite orders as text are read in that order', async () => {
  const rows = ['17.75', '2.25', '100', '-3'].map((d) => `('${d}')`).join();
  files.execute(
    'source',
    `CREATE TABLE t (d DECIMAL_TEXT PRIMARY KEY NOT NULL); INSERT INTO t VALUES ${rows}`,
  );
  const { end } = await files.once({
    ...query({}),
    source: { dataSource: 'source', table: 't' },
    mode: 'Snapshot',
    batch: { maxRows: 1 },
  });
  assert.equal(end.outcome, 'complete');
  assert.equal(files.query('destination', 'SELECT count(*) FROM t')[0]?.[0], 4);
});
