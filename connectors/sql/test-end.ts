import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import type { Abilities, Change, Shape, TestEnd, TestRow } from '../../e2e/kit/conformance/harness.ts';

/** How one SQL system writes what the conformance cases need. */
export interface TestDialect {
  /** Runs statements; returns the rows of the last one, as text. */
  run(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  quote(name: string): string;
  /** Columns of a new table: `id`, `body` and, if requested, `at`. */
  columns(shape: Shape): readonly string[];
  retype(table: string): string;
  dropKey(table: string): string;
  /** Default: `length`. */
  readonly lengthFunction?: string;
  /** Statements that differ from those of the others. */
  change?(table: string, change: Change): string | undefined;
}

/** Provides tables as the objects of the conformance cases. */
export function sqlEnd(
  access: SystemAccess,
  { run, columns, lengthFunction = 'length' }: TestDialect,
): TestEnd {
  const execute = async (sql: string) => void (await run(sql));
  return {
    access,
    async create(table, shape) {
      const { key = 'id', maxBody } = shape;
      const constraints = [
        ...(key === 'none' ? [] : [`PRIMARY KEY (${key})`]),
        ...(maxBody === undefined ? [] : [`CHECK (${lengthFunction}(body) <= ${maxBody})`]),
      ];
      await run(`CREATE TABLE ${table} (${[...columns(shape), ...constraints].join(', ')})`);
    },
    insert: (table, rows) => execute(insertSql(table, rows)),
    update: (table, id, body) => execute(`UPDATE ${table} SET body = ${literal(body)} WHERE id = ${id}`),
    delete: (table, id) => execute(`DELETE FROM ${table} WHERE id = ${id}`),
    async rows(table) {
      const rows = (await run(`SELECT * FROM ${table}`)).map((cells) => cells.slice(0, 2).join(' '));
      return rows.toSorted(new Intl.Collator('en', { numeric: true }).compare);
    },
  };
}

/** Abilities that no SQL system has yet. */
export const sqlLacks = { loseHistory: 'it has no mode Stream' };

/** `from` and `to` are the dialects of source and destination. */
export function sqlAbilities(from: TestDialect, to: TestDialect, ofEnd: (end: TestEnd) => TestDialect) {
  const store = async (table: string, what: string) =>
    void (await to.run(`UPDATE _idra_commits SET ${what} WHERE ${to.quote('table')} = '${table}'`));
  return {
    transactions: true,
    caselessKeys: true,
    query: (table) => `SELECT id, body FROM ${table} -- to the end; of the line`,
    createView: async (view, of) => void (await to.run(`CREATE VIEW ${view} AS SELECT * FROM ${of}`)),
    change: async (end, table, change) => void (await ofEnd(end).run(changeSql(from, table, change))),
    storeToken: (table, token) => store(table, `token = ${token}, session = NULL`),
    storeOffset: (table, offset) => store(table, `${to.quote('offset')} = '${offset}'`),
    async markedRows(table) {
      const rows = await to.run(`SELECT id FROM ${table} WHERE _deleted_at IS NOT NULL ORDER BY id`);
      return rows.map(([id]) => String(id));
    },
    async refuseDeletion(table, id) {
      const refs = `refs_of_${table}`;
      await to.run(
        `CREATE TABLE ${refs} (id BIGINT, FOREIGN KEY (id) REFERENCES ${table} (id)); INSERT INTO ${refs} VALUES (${id})`,
      );
    },
    storeNewerLayout: (table) => store(table, 'layout = 99'),
  } satisfies Partial<Abilities>;
}

function changeSql(dialect: TestDialect, table: string, change: Change): string {
  const own = dialect.change?.(table, change);
  if (own !== undefined) return own;
  const { retype, dropKey } = dialect;
  const alter = `ALTER TABLE ${table}`;
  switch (change) {
    case 'a column is added':
      return `${alter} ADD COLUMN n INT`;
    case 'a column is dropped':
      return `${alter} DROP COLUMN body`;
    case 'a column is renamed':
      return `${alter} RENAME COLUMN body TO words`;
    case 'a column is retyped':
      return retype(table);
    case 'two columns swap their names':
      return ['body TO x', 'id TO body', 'x TO id']
        .map((each) => `${alter} RENAME COLUMN ${each}`)
        .join('; ');
    case 'the key is dropped':
      return dropKey(table);
    case 'the object is dropped':
      return `DROP TABLE ${table}`;
  }
}

function insertSql(table: string, rows: readonly TestRow[]): string {
  const columns = (['id', 'body', 'at'] as const).filter((each) =>
    rows.some((row) => row[each] !== undefined),
  );
  const values = rows.map((row) => `(${columns.map((each) => literal(row[each])).join()})`);
  return `INSERT INTO ${table} (${columns.join()}) VALUES ${values.join()}`;
}

function literal(value: string | number | Date | null | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : value.toISOString().slice(0, -1).replace('T', ' ');
  return `'${text.replaceAll("'", "''")}'`;
}

/** For a server that is reached by host and port. */
export function wrongServerAccess(access: SystemAccess, freePort: number): Abilities['wrongAccess'] {
  const having = (more: Readonly<Record<string, unknown>>) => ({
    ...access,
    config: { ...access.config, ...more },
  });
  return {
    AuthenticationFailed: { ...access, secret: () => new Secret('wrong') },
    HostUnreachable: having({ port: freePort }),
    DatabaseNotFound: having({ database: 'nowhere' }),
  };
}
