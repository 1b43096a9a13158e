import type { SystemName, TestDatabase, TestSession } from '../kit/systems.ts';

/** One way for a row to be late: it has its timestamp or id, and commits when others have long passed. */
export interface LateCase {
  /** Name of its table. */
  readonly name: string;
  readonly mode: 'Timestamp' | 'Id';
  /** Of the column that the mode reads by. */
  readonly ddl: string;
  /** Takes the value of the late row, before anybody else. */
  begin(session: TestSession, table: string): Promise<void>;
  /** Commits the row, whose key is 11; without a bound, the rows after it have been read. */
  finish(session: TestSession, table: string, isBounded: boolean): Promise<void>;
  /** How status names what holds the others back. */
  readonly holder: RegExp;
  /** For values that the column does not generate itself. */
  readonly value?: string;
}

const transaction = /^a? ?transaction /;

const stamp = 'timestamptz NOT NULL DEFAULT now()';
const number = "bigint NOT NULL DEFAULT nextval('late_ids')";

const postgresCases: readonly LateCase[] = [
  {
    name: 'now_before_anything',
    mode: 'Timestamp',
    ddl: stamp,
    holder: transaction,
    async begin(session) {
      await session.query('BEGIN');
      await session.query('SELECT now()');
    },
    async finish(session, table) {
      await session.query(`INSERT INTO ${table} (nr) VALUES (11)`);
      await session.query('COMMIT');
    },
  },
  written('row_written', 'Timestamp', stamp),
  { ...written('rounded', 'Timestamp', 'timestamptz(0) NOT NULL DEFAULT now()') },
  written('without_zone', 'Timestamp', "timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')"),
  prepared('prepared', 'Timestamp', stamp),
  {
    name: 'id_before_anything',
    mode: 'Id',
    ddl: number,
    holder: transaction,
    async begin(session) {
      await session.query('BEGIN');
      await session.query("CREATE TEMP TABLE taken AS SELECT nextval('late_ids') AS id");
    },
    async finish(session, table) {
      await session.query(`INSERT INTO ${table} (nr, field) SELECT 11, id FROM taken`);
      await session.query('DROP TABLE taken');
      await session.query('COMMIT');
    },
  },
  {
    name: 'id_without_transaction_id',
    mode: 'Id',
    ddl: number,
    holder: transaction,
    async begin(session) {
      await session.query('BEGIN');
      // Only nextval: no row of any table is written, so the transaction has no id yet.
      await session.query("SELECT set_config('late.id', nextval('late_ids')::text, false)");
    },
    async finish(session, table) {
      await session.query(`INSERT INTO ${table} (nr, field) VALUES (11, current_setting('late.id')::bigint)`);
      await session.query('COMMIT');
    },
  },
  written('id_written', 'Id', number),
  prepared('id_prepared', 'Id', number),
];

function written(name: string, mode: LateCase['mode'], ddl: string, value?: string): LateCase {
  return {
    name,
    mode,
    ddl,
    holder: transaction,
    ...(value === undefined ? {} : { value }),
    async begin(session, table) {
      await session.query('BEGIN');
      await session.query(insertRow(table, 11, value));
    },
    async finish(session) {
      await session.query('COMMIT');
    },
  };
}

function prepared(name: string, mode: LateCase['mode'], ddl: string): LateCase {
  return {
    name,
    mode,
    ddl,
    holder: new RegExp(`^prepared transaction "${name}"`),
    async begin(session, table) {
      await session.query('BEGIN');
      await session.query(insertRow(table, 11));
      await session.query(`PREPARE TRANSACTION '${name}'`);
    },
    async finish(session) {
      await session.query(`COMMIT PREPARED '${name}'`);
    },
  };
}

const mysqlStamp = 'timestamp(6) NOT NULL DEFAULT now(6)';
const mysqlNumber = 'bigint NOT NULL AUTO_INCREMENT UNIQUE';

const mysqlCases: readonly LateCase[] = [
  written('row_written', 'Timestamp', mysqlStamp),
  written('rounded', 'Timestamp', 'datetime NOT NULL', 'now(6)'),
  {
    name: 'now_behind_a_lock',
    mode: 'Timestamp',
    ddl: mysqlStamp,
    holder: /^a statement of t_/,
    // The statement has its now() and waits for a metadata lock: no transaction is visible yet.
    async begin(session, table) {
      await session.query(`INSERT INTO ${table} (nr) SELECT 11 FROM gate`);
    },
    async finish() {},
  },
  written('id_written', 'Id', mysqlNumber),
  xaPrepared('xa', 'Timestamp', mysqlStamp),
  xaPrepared('id_xa', 'Id', mysqlNumber),
];

function xaPrepared(name: string, mode: LateCase['mode'], ddl: string): LateCase {
  return {
    name,
    mode,
    ddl,
    holder: /^a (prepared XA )?transaction/,
    async begin(session, table) {
      await session.query(`XA START '${table}'`);
      await session.query(insertRow(table, 11));
      await session.query(`XA END '${table}'`);
      await session.query(`XA PREPARE '${table}'`);
    },
    async finish(session, table) {
      await session.query(`XA COMMIT '${table}'`);
    },
  };
}

const sqliteCases: readonly LateCase[] = [
  {
    name: 'same_second',
    mode: 'Timestamp',
    ddl: 'TIMESTAMP NOT NULL',
    holder: /current second/,
    // By a clock that is ahead, so that a busy machine can see the status before the second is over.
    value: "datetime('now', '+3 seconds')",
    async begin() {},
    // Nobody holds a transaction open while another one writes, but the clock's current second is not over.
    async finish(session, table, isBounded) {
      // On a busy machine the second may be over by now; the row is written as if it were not.
      await session.query(
        insertRow(table, 11, isBounded ? this.value : `(SELECT field FROM ${table} WHERE nr = 14)`),
      );
    },
  },
];

export const lateCases: Readonly<Record<SystemName, readonly LateCase[]>> = {
  postgres: postgresCases,
  mysql: mysqlCases,
  mariadb: mysqlCases,
  sqlite: sqliteCases,
};

export function insertRow(table: string, nr: number, value?: string): string {
  return value === undefined
    ? `INSERT INTO ${table} (nr) VALUES (${nr})`
    : `INSERT INTO ${table} (nr, field) VALUES (${nr}, ${value})`;
}

export async function createTables(source: TestDatabase): Promise<void> {
  if (source.system === 'postgres') await source.execute('CREATE SEQUENCE late_ids');
  await source.execute(
    'CREATE TABLE gate (nr int)',
    'INSERT INTO gate VALUES (1)',
    ...lateCases[source.system].map(
      ({ name, ddl }) => `CREATE TABLE ${name} (nr bigint NOT NULL PRIMARY KEY, field ${ddl})`,
    ),
  );
}
