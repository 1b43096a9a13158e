import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isFenced } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { type FlowOptions, openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';
import { CommitRows } from './commit-rows.ts';
import { shadowName } from './replace.ts';

const signal = new AbortController().signal;
const stranger = `stranger_${process.pid}`;
let database: TestDatabase;
let made = 0;
/** A separate schema for each test, in which the stranger may create objects. */
let schema = '';

const columns = `uid text NOT NULL, "table" text NOT NULL, name text NOT NULL, meaning text NOT NULL, token bigint NOT NULL, "offset" text,
  rows bigint NOT NULL, session text, closed boolean NOT NULL DEFAULT false, layout integer NOT NULL, time timestamptz NOT NULL, target text`;
const table = (more = '') => `CREATE TABLE _idra_commits (${columns}, PRIMARY KEY (uid, "table")${more})`;

before(async () => {
  database = await testDatabase();
  await database.query(
    `CREATE ROLE ${stranger}; CREATE SEQUENCE public.calls; GRANT ALL ON public.calls TO "${database.user}"`,
  );
  await database.run('CREATE TABLE rows_from (id int PRIMARY KEY); INSERT INTO rows_from VALUES (1)');
});
beforeEach(async () => {
  schema = `open_${made++}`;
  await database.query(
    `CREATE SCHEMA ${schema} AUTHORIZATION "${database.user}"; GRANT ALL ON SCHEMA ${schema} TO ${stranger}`,
  );
});
after(async () => {
  await database.query(`DROP OWNED BY ${stranger} CASCADE; DROP ROLE ${stranger}`);
  await database.stop();
});

/** Runs statements as the stranger, or as Idra's own role, which then grants the stranger everything. */
async function prepare(sql: string, as: 'stranger' | 'owner' = 'stranger'): Promise<void> {
  const role = as === 'owner' ? database.user : stranger;
  const grants =
    as === 'owner'
      ? ''
      : `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT ALL ON TABLES TO "${database.user}";`;
  await database.query(`SET ROLE "${role}"; SET search_path = ${schema}; ${grants} ${sql}`);
}

/** A sequence also counts calls that were rolled back. */
async function isUntouched(): Promise<void> {
  assert.deepEqual(await database.run('SELECT is_called FROM public.calls'), [['f']]);
}

const note = `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); RETURN new; END $$`;
const check = `CREATE FUNCTION is_fine(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); RETURN true; END $$`;
const run = `CREATE FUNCTION run() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); RAISE EXCEPTION 'was run'; END $$`;
const trigger =
  'CREATE TRIGGER t BEFORE INSERT OR UPDATE ON _idra_commits FOR EACH ROW EXECUTE FUNCTION note()';

describe('an existing table _idra_commits', () => {
  const cases: readonly (readonly [what: string, sql: string, as: 'stranger' | 'owner', message: RegExp])[] =
    [
      ['of another role', table(), 'stranger', /belongs to role stranger/],
      ['of another role, with a trigger', `${note}; ${table()}; ${trigger}`, 'stranger', /has triggers/],
      [
        'that is a view',
        `CREATE TABLE t (${columns}); CREATE VIEW _idra_commits AS SELECT * FROM t`,
        'stranger',
        /is not a plain table/,
      ],
      [
        'with a trigger of another role',
        `${table()}; GRANT TRIGGER ON _idra_commits TO ${stranger}; RESET ROLE; SET ROLE ${stranger}; ${note}; ${trigger}`,
        'owner',
        /has triggers of other users/,
      ],
      [
        'with a rule',
        `${table()}; CREATE RULE r AS ON UPDATE TO _idra_commits DO ALSO SELECT nextval('public.calls')`,
        'owner',
        /has rules/,
      ],
      [
        'with row security',
        `${table()}; ALTER TABLE _idra_commits ENABLE ROW LEVEL SECURITY`,
        'owner',
        /has row security/,
      ],
      [
        'with a parent',
        `CREATE TABLE parent (uid text); ${table()}; ALTER TABLE _idra_commits INHERIT parent`,
        'owner',
        /inheritance/,
      ],
      ['with a child', `${table()}; CREATE TABLE child () INHERITS (_idra_commits)`, 'owner', /inheritance/],
      ['that is partitioned', `${table()} PARTITION BY LIST (uid)`, 'owner', /is not a plain table/],
      ['with a check', `${check}; ${table(', CHECK (is_fine(uid))')}`, 'owner', /constraints other/],
      [
        'with a default',
        `${check}; ${table()}; ALTER TABLE _idra_commits ALTER session SET DEFAULT is_fine('x')`,
        'owner',
        /defaults other/,
      ],
      [
        'with a domain',
        `${check}; CREATE DOMAIN fine AS text CHECK (is_fine(VALUE)); ${table().replace('meaning text', 'meaning fine')}`,
        'owner',
        /not built in/,
      ],
      [
        'with an index by a function',
        `${check.replace('plpgsql', 'plpgsql IMMUTABLE')}; ${table()}; CREATE INDEX ON _idra_commits (is_fine(uid))`,
        'owner',
        /indexes by expressions/,
      ],
    ];
  for (const [what, sql, as, message] of cases) {
    test(`${what} is refused`, async () => {
      await prepare(sql, as);
      const flow = await openFlow(database, { from: 'rows_from', to: `${schema}.t` });
      const refusal = { code: 'OwnTableUnsafe', message };
      await assert.rejects(flow.destination.commitRows('any', signal), refusal);
      await assert.rejects(flow.claim(), refusal);
      await assert.rejects(flow.destination.closeRows('any', 1n, signal), refusal);
      await flow.close();
      await isUntouched();
    });
  }

  test('in place of ours, since the claim, is not written', async () => {
    await database.query(
      `ALTER SCHEMA ${schema} OWNER TO ${stranger}; GRANT ALL ON SCHEMA ${schema} TO "${database.user}"`,
    );
    const flow = await openFlow(database, {
      from: 'rows_from',
      to: `${schema}.t`,
      mode: 'Id',
      idField: 'id',
    });
    const { token } = await flow.claim();
    await prepare(`DROP TABLE _idra_commits; ${note}; ${table()};
      CREATE TRIGGER t BEFORE INSERT OR UPDATE ON _idra_commits EXECUTE FUNCTION note()`);
    await assert.rejects(flow.pass(), isFenced);
    await assert.rejects(flow.claim(), { code: 'OwnTableUnsafe' });
    const change = { uid: flow.plan.uid, expected: null, offset: null, token };
    await assert.rejects(flow.destination.setOffset(change, signal), { code: 'OwnTableUnsafe' });
    await flow.close();
    await isUntouched();
    assert.deepEqual(await database.run(`SELECT * FROM ${schema}.t`), []);
  });

  const view = `${run}; CREATE VIEW _idra_commits AS SELECT 'u'::text AS uid, 't'::text AS "table", 1::bigint AS token, ''::text AS session,
    ''::text AS name, ''::text AS meaning, ''::text AS "offset", 1::bigint AS rows, false AS closed, 1 AS layout, now() AS time,
    ''::text AS target FROM run() AS r OFFSET 0`;
  const noted = `${note}; ${table()}; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON _idra_commits EXECUTE FUNCTION note()`;
  const openClaimed = async (options: Partial<FlowOptions> = {}) => {
    await database.query(
      `ALTER SCHEMA ${schema} OWNER TO ${stranger}; GRANT ALL ON SCHEMA ${schema} TO "${database.user}"`,
    );
    const flow = await openFlow(database, { from: 'rows_from', to: `${schema}.t`, ...options });
    const { token } = await flow.claim();
    const change = { uid: flow.plan.uid, expected: null, offset: null, token };
    return { flow, setOffset: () => flow.destination.setOffset(change, signal) };
  };
  type Claimed = Awaited<ReturnType<typeof openClaimed>>;

  const inspections: readonly (readonly [
    'create' | 'exists' | 'holder',
    string,
    (of: Claimed) => Promise<unknown>,
  ])[] = [
    ['create', view, ({ flow }) => flow.claim()],
    ['exists', view, ({ flow }) => flow.destination.commitRows('any', signal)],
    ['holder', noted, ({ flow }) => flow.claim()],
    ['exists', noted, ({ setOffset }) => setOffset()],
  ];
  for (const [method, planted, attempt] of inspections) {
    const what = planted === view ? 'a view' : 'a table with a trigger';
    test(`that became ${what} just after it was inspected (${method}) is not used`, async (context) => {
      const claimed = await openClaimed();
      const inspect = CommitRows.prototype[method] as (...given: unknown[]) => Promise<unknown>;
      context.mock.method(
        CommitRows.prototype,
        method,
        async function (this: CommitRows, ...given: unknown[]) {
          const found = await inspect.apply(this, given);
          await prepare(`DROP TABLE _idra_commits; ${planted}`);
          return found;
        },
      );
      await assert.rejects(attempt(claimed), isFenced);
      await claimed.flow.close();
      await isUntouched();
    });
  }

  test('that became a view is not used by the beginning of a pass of Replace', async () => {
    const { flow } = await openClaimed({ writeMode: 'Replace' });
    await prepare(`DROP TABLE _idra_commits; ${view}`);
    await assert.rejects(
      flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal),
      isFenced,
    );
    await flow.close();
    await isUntouched();
  });

  test('of ours, on which a trigger was put before the right to do so was taken back, is refused', async (context) => {
    const privileges = `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT ALL ON TABLES TO ${stranger}`;
    await prepare(privileges, 'owner');
    const flow = await openFlow(database, { from: 'rows_from', to: `${schema}.t` });
    const { query } = Session.prototype;
    context.mock.method(Session.prototype, 'query', async function (this: Session, sql: string) {
      if (sql.includes('REVOKE TRIGGER')) await prepare(`${note}; ${trigger}`);
      return await query.call(this, sql);
    });
    const refusal = { code: 'OwnTableUnsafe', message: /has triggers of other users/ };
    await assert.rejects(flow.claim(), refusal);
    await flow.close();
    await isUntouched();
  });

  test('of ours, to which default privileges let others add triggers, no longer lets anybody', async () => {
    await prepare(
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT ALL ON TABLES TO ${stranger}, PUBLIC`,
      'owner',
    );
    const flow = await openFlow(database, { from: 'rows_from', to: `${schema}.t` });
    await flow.claim();
    await flow.pass();
    await flow.close();
    const rights = (right: string) =>
      database.run(`SELECT has_table_privilege('${stranger}', '${schema}._idra_commits', '${right}')`);
    assert.deepEqual([await rights('TRIGGER'), await rights('SELECT')], [[['f']], [['t']]]);
    await prepare('GRANT TRIGGER ON _idra_commits TO PUBLIC', 'owner');
    const later = await openFlow(database, { from: 'rows_from', to: `${schema}.t` });
    await later.claim();
    await later.close();
    assert.deepEqual(await rights('TRIGGER'), [['f']]);
  });
});

describe('an existing shadow of Replace', () => {
  const uid = 'replaced';
  const shadow = () => shadowName({ schema, table: 't' }, uid).table;

  test('of another role is not written, and not dropped', async () => {
    await prepare(`${note}; CREATE TABLE ${shadow()} (id int PRIMARY KEY); COMMENT ON TABLE ${shadow()} IS 'idra pass 1 rows 0';
      ${trigger.replace('_idra_commits', shadow())}`);
    await database.run(`CREATE TABLE ${schema}.t (id int PRIMARY KEY)`);
    const flow = await openFlow(database, {
      from: 'rows_from',
      to: `${schema}.t`,
      writeMode: 'Replace',
      uid,
    });
    const { token } = await flow.claim();
    for (const isResumed of [true, false])
      await assert.rejects(flow.destination.beginPass({ pass: 1, isResumed, isAtomic: false }, signal), {
        code: 'OwnTableUnsafe',
        message: /belongs to role stranger/,
      });
    await flow.destination.closeRows(uid, token, signal);
    await flow.close();
    await isUntouched();
    assert.deepEqual(await database.run(`SELECT count(*) FROM pg_class WHERE relname = '${shadow()}'`), [
      ['1'],
    ]);
  });

  test('of another role, in place of ours just after it was inspected, is not continued', async (context) => {
    await database.run(`CREATE TABLE ${schema}.t (id int PRIMARY KEY)`);
    const options = { from: 'rows_from', to: `${schema}.t`, writeMode: 'Replace', uid } as const;
    const flow = await openFlow(database, options);
    await flow.claim();
    await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
    await database.query(
      `ALTER SCHEMA ${schema} OWNER TO ${stranger}; GRANT ALL ON SCHEMA ${schema} TO "${database.user}"`,
    );
    const { run: sent } = Session.prototype;
    context.mock.method(Session.prototype, 'run', async function (this: Session, sql: string) {
      if (sql.includes('obj_description'))
        await prepare(
          `DROP TABLE ${shadow()}; CREATE TABLE ${shadow()} (id int PRIMARY KEY); COMMENT ON TABLE ${shadow()} IS 'idra pass 1 rows 0'`,
        );
      return await sent.call(this, sql);
    });
    const resumed = flow.destination.beginPass({ pass: 1, isResumed: true, isAtomic: false }, signal);
    await assert.rejects(resumed, { code: 'ShadowMissing' });
    await flow.close();
  });
});

test('a plan of a Sync whose commit table is not ours is refused before anything is created', async () => {
  await prepare(table());
  const object = { table: `${schema}.fresh`, existingRows: 'Keep' } as const;
  const destination = await connector.openDestination(database.access, object, signal);
  await assert.rejects(destination.commitRows('any', signal), { code: 'OwnTableUnsafe' });
  await destination.close();
  assert.deepEqual(await database.run(`SELECT to_regclass('${schema}.fresh')`), [[null]]);
});

describe('a view that somebody else has created of a table that is replaced', () => {
  const replaced = async (type: string, value: string) => {
    await database.run(`CREATE TABLE ${schema}.t (id int PRIMARY KEY)`);
    await database.query(`GRANT ${stranger} TO "${database.user}"`);
    await prepare(`${check}; CREATE DOMAIN fine AS text; CREATE TYPE pair AS (a fine, b int); CREATE TYPE color AS ENUM ('red');
      CREATE VIEW v AS SELECT id, ${value}::${type} AS x FROM t; ALTER DOMAIN fine ADD CHECK (is_fine(VALUE)) NOT VALID`);
    return await openFlow(database, { from: 'rows_from', to: `${schema}.t`, writeMode: 'Replace' });
  };

  for (const [type, value] of [
    ['fine[]', "'{a}'"],
    ['pair', "'(a,1)'"],
    ['pair[]', "ARRAY['(a,1)']"],
  ] as const) {
    test(`does not have checks of ${type} run with the rights of this role`, async () => {
      const flow = await replaced(type, value);
      const [finding] = await flow.destination.check('Replace', signal);
      await flow.claim();
      await assert.rejects(flow.pass(), { code: 'NotKeptByReplace' });
      await flow.close();
      assert.deepEqual([finding?.severity, finding?.code], ['error', 'NotKeptByReplace']);
      assert.match(
        finding?.message ?? '',
        /is read by the view .*\.v of stranger_\d+, which has a value of the type/,
      );
      await isUntouched();
    });
  }

  test('is re-created where its constants are of an enum', async () => {
    const flow = await replaced('color[]', "'{red}'");
    await database.run(`GRANT SELECT ON ${schema}.t TO ${stranger}`);
    assert.deepEqual(await flow.destination.check('Replace', signal), []);
    await flow.claim();
    await flow.pass();
    await flow.close();
    assert.deepEqual(await database.query(`SELECT id, x::text FROM ${schema}.v`), [{ id: 1, x: '{red}' }]);
  });
});
