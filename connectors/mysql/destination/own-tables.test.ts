import assert from 'node:assert/strict';
import { before, beforeEach, test } from 'node:test';
import type { Flow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { onEachServer } from '../test-harness.ts';
import { CommitRows } from './commit-rows.ts';
import { ownTable } from './ddl.ts';

const { signal } = new AbortController();

const columns = `uid VARCHAR(64) COLLATE utf8mb4_bin NOT NULL, \`table\` VARCHAR(400) COLLATE utf8mb4_bin NOT NULL, name VARCHAR(512), meaning VARCHAR(128),
  token BIGINT, \`offset\` LONGTEXT, \`rows\` BIGINT, session VARCHAR(64), closed BOOLEAN, layout INT, time DATETIME(6)`;
const key = 'PRIMARY KEY (uid, `table`)';
const asView = (from: string) =>
  `CREATE SQL SECURITY INVOKER VIEW _idra_commits AS SELECT * FROM ${from} WHERE runs() = 1 WITH CHECK OPTION`;

/** Objects that somebody may have put there before Idra created its table. */
const unsafe: Readonly<Record<string, { readonly sql: readonly string[]; readonly fault: RegExp }>> = {
  'a view that calls a function': {
    sql: [`CREATE TABLE behind (${columns}, ${key})`, asView('behind')],
    fault: /is a view/,
  },
  'a table with a trigger': {
    sql: [
      `CREATE TABLE _idra_commits (${columns}, ${key})`,
      'CREATE TRIGGER planted BEFORE UPDATE ON _idra_commits FOR EACH ROW SET NEW.`offset` = NULL',
    ],
    fault: /has triggers of other users \(planted\)/,
  },
  'a table without transactions': {
    sql: [`CREATE TABLE _idra_commits (${columns.replace('400', '100')}, ${key}) ENGINE = MyISAM`],
    fault: /is a table of MyISAM/,
  },
  'a table with a foreign key': {
    sql: [
      `CREATE TABLE _idra_commits (${columns}, ${key}, CONSTRAINT planted FOREIGN KEY (token) REFERENCES parents (id))`,
    ],
    fault: /has foreign keys \(planted\)/,
  },
  'a table with a column that is computed': {
    sql: [
      `CREATE TABLE _idra_commits (${columns.replace('token BIGINT', 'token BIGINT AS (1) STORED')}, ${key})`,
    ],
    fault: /does not have the columns of its layout \(token\)/,
  },
  'a table without a column, and with one of another type': {
    sql: [
      `CREATE TABLE _idra_commits (${columns.replace('layout INT, ', '').replace('token BIGINT', 'token DOUBLE')}, ${key})`,
    ],
    fault: /\(token, layout\)/,
  },
  'a table that takes two uids for one': {
    sql: [
      `CREATE TABLE _idra_commits (${columns.replace('utf8mb4_bin', 'utf8mb4_general_ci')}, ${key}) CHARACTER SET utf8mb4`,
    ],
    fault: /\(uid\)/,
  },
  'a table with another unique index': {
    sql: [`CREATE TABLE _idra_commits (${columns}, ${key}, UNIQUE KEY planted (layout))`],
    fault: /has unique indexes/,
  },
};

onEachServer((database) => {
  let flow: Flow;
  let count = 0;
  before(async () => {
    // A table without transactions keeps its rows after a rollback, so it shows what has run.
    await database.run(
      'CREATE TABLE ran (what INT) ENGINE = MyISAM; CREATE TABLE parents (id BIGINT PRIMARY KEY)',
    );
    await database.server.query(
      'CREATE FUNCTION runs() RETURNS INT READS SQL DATA SQL SECURITY INVOKER BEGIN INSERT INTO ran VALUES (1); RETURN 1; END',
      database.name,
    );
    await database.fill('own_from', 3);
  });
  beforeEach(async () => {
    for (const sql of ['DROP VIEW IF EXISTS _idra_commits', 'DROP TABLE IF EXISTS _idra_commits, behind'])
      await database.server.query(sql, database.name);
    count += 1;
  });

  const open = async (writeMode: 'Append' | 'Upsert' | 'Replace') => {
    flow = await database.flow({ from: 'own_from', to: `own_to_${count}`, writeMode });
  };
  const requireNotRun = async () => assert.deepEqual(await database.run('SELECT * FROM ran'), []);

  for (const [what, { sql, fault }] of Object.entries(unsafe)) {
    test(`${what} is refused under the name of the commit table`, async () => {
      for (const each of sql) await database.server.query(each, database.name);
      await open('Upsert');
      const isRefused = { code: 'OwnTableUnsafe', disposition: 'permanent', message: fault };
      await assert.rejects(flow.destination.commitRows('uid', signal), isRefused);
      await assert.rejects(flow.claim(), isRefused);
      await requireNotRun();
      await flow.close();
    });
  }

  test('a table as Idra creates it is accepted, and so is one of a newer layout', async () => {
    for (const more of ['', ', newer INT']) {
      await database.run(
        `DROP TABLE IF EXISTS _idra_commits; CREATE TABLE _idra_commits (${columns}${more}, ${key})`,
      );
      count += 1;
      await open('Append');
      await flow.claim();
      await flow.pass();
      await flow.close();
    }
  });

  test('a view that takes the name of the commit table later runs nothing', async () => {
    await open('Append');
    await flow.claim();
    await database.run('RENAME TABLE _idra_commits TO behind');
    await database.server.query(asView('behind'), database.name);
    await assert.rejects(flow.pass());
    await requireNotRun();
    assert.deepEqual(await database.run(`SELECT * FROM own_to_${count}`), []);
    await flow.close();
  });

  test('a view that takes the name of the target later runs nothing', async () => {
    await open('Append');
    await flow.claim();
    const to = `own_to_${count}`;
    await database.run(`RENAME TABLE ${to} TO ${to}_behind`);
    await database.server.query(
      `CREATE SQL SECURITY INVOKER VIEW ${to} AS SELECT * FROM ${to}_behind WHERE runs() = 1 WITH CHECK OPTION`,
      database.name,
    );
    await assert.rejects(flow.pass(), { code: 'SchemaChanged' });
    await requireNotRun();
    await flow.close();
  });

  test('a user who cannot see triggers gets a finding', async () => {
    const rights = 'SELECT, INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES';
    const few = await database.userWith(`${rights} ON ${database.name}.*`);
    const object = { table: 'own_from', existingRows: 'Keep' } as const;
    const codes = async (access: typeof few) => {
      const destination = await connector.openDestination(access, object, signal);
      const findings = await destination.check('Upsert', signal);
      await destination.close();
      return findings.map((each) => each.code);
    };
    assert.deepEqual(await codes(few), ['TriggersNotSeen']);
    assert.deepEqual(await codes(database.access), []);
  });

  test('a shadow to which other users attached objects is not used', async () => {
    await open('Replace');
    const target = { schema: database.name, table: `own_to_${count}` };
    const { table: shadow } = ownTable(target, flow.plan.uid, 'shadow');
    await flow.claim();
    await database.run(`CREATE TABLE ${shadow} LIKE own_to_${count}`);
    await database.server.query(
      `CREATE TRIGGER planted_${count} BEFORE INSERT ON ${shadow} FOR EACH ROW SET NEW.body = 'x'`,
      database.name,
    );
    const resumed = { pass: 1, isResumed: true, isAtomic: false };
    await assert.rejects(flow.destination.beginPass(resumed, signal), { code: 'OwnTableUnsafe' });
    await flow.pass();
    assert.deepEqual((await database.run(`SELECT body FROM own_to_${count}`))[0], ['row 1']);
    await database.run(`CREATE VIEW ${shadow} AS SELECT * FROM own_from`);
    await assert.rejects(flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false }), {
      code: 'OwnTableUnsafe',
    });
    await flow.close();
  });
});

test('every statement about commit rows refuses a view', async () => {
  const sent: string[] = [];
  const session = { run: async (sql: string) => [{ rows: [], sql: sent.push(sql) }] };
  const commits = new CommitRows('d', 't');
  const change = { addedRows: 1, offset: { from: null, to: '{}' } };
  const statements = commits.commitStatements('uid', 1n, change);
  await commits.commit(session as never, statements, { uid: 'uid', token: 1n });
  for (const statement of sent
    .flatMap((sql) => sql.split('; '))
    .filter((sql) => sql.includes('_idra_commits')))
    assert.match(statement, /`_idra_commits` FORCE INDEX \(PRIMARY\) /);
});
