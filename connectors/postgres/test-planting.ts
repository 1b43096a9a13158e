import pg from 'pg';
import type { TestDatabase } from './test-harness.ts';

/** Records every statement that this process sends to PostgreSQL, and the messages of the errors that come back. */
export class Recording {
  readonly statements = new Set<string>();
  readonly errors: string[] = [];
  readonly #query = pg.Connection.prototype.query;
  readonly #seen = new WeakSet<object>();

  start(): void {
    const recording = this;
    pg.Connection.prototype.query = function (this: pg.Connection, text: string) {
      recording.#listen(this);
      recording.statements.add(text);
      recording.#query.call(this, text);
    };
  }

  stop(): void {
    pg.Connection.prototype.query = this.#query;
  }

  #listen(connection: pg.Connection): void {
    if (this.#seen.has(connection)) return;
    this.#seen.add(connection);
    connection.on('errorMessage', (error: Error) => this.errors.push(error.message));
  }
}

/** Objects that an ordinary role creates in schemas where it may create: one for every name that the statements use. */
export interface Plants {
  readonly functions: number;
  readonly operators: number;
  readonly relations: number;
  readonly types: number;
}

/** Types of the values that Idra passes to functions and compares. */
const types = [
  'integer',
  'bigint',
  'text',
  'varchar',
  'name',
  'oid',
  '"char"',
  'boolean',
  'timestamptz',
  'timestamp',
];

export async function plant(
  database: TestDatabase,
  { role, schemas, statements }: { role: string; schemas: readonly string[]; statements: Iterable<string> },
): Promise<Plants> {
  const text = [...statements].join(';\n');
  const words = [...new Set(text.toLowerCase().match(/[a-z_][a-z0-9_]*/g) ?? [])];
  const symbols = new Set(text.match(/[-+*/<>=~!@#%^&|`?]+/g) ?? []);
  // Operators behind IN, IS DISTINCT FROM, LIKE and BETWEEN.
  for (const symbol of ['=', '<>', '~~', '<=', '>=']) symbols.add(symbol);
  const made = async (body: string): Promise<number> => {
    const rows = await database.query(`SET ROLE "${role}"; SET search_path = pg_catalog; ${body}`);
    const counts = (rows as unknown as { rows: { count: string }[] }[]).at?.(-1)?.rows ?? rows;
    return Number((counts as { count: string }[]).at(-1)?.count);
  };
  const list = (items: Iterable<string>) =>
    `ARRAY[${[...items].map((each) => pg.escapeLiteral(each)).join()}]::text[]`;
  const names = { words: list(words), symbols: list(symbols), types: list(types), schemas: list(schemas) };
  return {
    functions: await made(plantFunctions(names)),
    operators: await made(plantOperators(names)),
    relations: await made(plantRelations(names)),
    types: await made(plantTypes(names)),
  };
}

interface Names {
  readonly words: string;
  readonly symbols: string;
  readonly types: string;
  readonly schemas: string;
}

/** Each attempt runs by itself; what this server does not let anybody define is skipped. */
function attempts(select: string, count: string): string {
  return `DO $plant$ DECLARE sql text; BEGIN FOR sql IN ${select} LOOP
      BEGIN EXECUTE sql; EXCEPTION WHEN others THEN NULL; END; END LOOP; END $plant$; ${count}`;
}

const bodyOf = (what: string) =>
  `'LANGUAGE plpgsql AS ' || quote_literal('BEGIN RAISE EXCEPTION ''planted ' || ${what} || '''; END')`;

/** With the arguments of the system's function, and with others that may match the statements better. */
function plantFunctions({ words, types: own, schemas }: Names): string {
  const select = `SELECT format('CREATE FUNCTION %I.%I(%s) RETURNS %s ', s, p.name, p.args, p.result) || ${bodyOf('p.name')}
    FROM unnest(${schemas}) s, (
      SELECT proname::text AS name, oidvectortypes(proargtypes) AS args, format_type(prorettype, NULL) AS result
        FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (${words}) AND NOT (prokind = 'a' AND pronargs = 0)
      UNION SELECT f.name, t, f.result FROM (SELECT proname::text AS name, min(format_type(prorettype, NULL)) AS result FROM pg_proc
          WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (${words}) GROUP BY proname) f, unnest(${own}) t
      UNION SELECT f.name, t || ', ' || u, f.result FROM (SELECT proname::text AS name, min(format_type(prorettype, NULL)) AS result FROM pg_proc
          WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (${words}) AND pronargs BETWEEN 1 AND 3 GROUP BY proname) f,
        unnest((${own})[1:6]) t, unnest((${own})[1:6]) u) p`;
  const aggregates = `SELECT format('CREATE FUNCTION %I.planted_count(bigint) RETURNS bigint ', s) || ${bodyOf("'count'")} FROM unnest(${schemas}) s
    UNION ALL SELECT format('CREATE AGGREGATE %I.count(*) (SFUNC = %I.planted_count, STYPE = bigint, INITCOND = ''0'')', s, s) FROM unnest(${schemas}) s`;
  const count = `SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE r.rolname = current_user`;
  return `${attempts(select, '')} ${attempts(aggregates, count)}`;
}

function plantOperators({ symbols, types: own, schemas }: Names): string {
  const select = `SELECT CASE n WHEN 1 THEN format('CREATE FUNCTION %I.planted_%s(a %s, b %s) RETURNS %s ', s, o.nr, l, r, o.result) || ${bodyOf('o.name')}
      ELSE format('CREATE OPERATOR %I.%s (FUNCTION = %I.planted_%s, LEFTARG = %s, RIGHTARG = %s)', s, o.name, s, o.nr, l, r) END
    FROM unnest(${schemas}) s, unnest(${own}) l, unnest(${own}) r, generate_series(1, 2) n,
      (SELECT oprname::text AS name, row_number() OVER (ORDER BY oprname) AS nr,
          CASE WHEN bool_or(oprresult = 'boolean'::regtype) THEN 'boolean' WHEN oprname = '||' THEN 'text' ELSE 'bigint' END AS result
        FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname = ANY (${symbols}) GROUP BY oprname) o
    ORDER BY n`;
  return attempts(
    select,
    'SELECT count(*) FROM pg_operator o JOIN pg_roles r ON r.oid = o.oprowner WHERE r.rolname = current_user',
  );
}

function plantRelations({ words, schemas }: Names): string {
  const select = `SELECT format('CREATE TABLE %I.%I (planted int)', s, c.relname) FROM unnest(${schemas}) s, pg_class c
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relname = ANY (${words})`;
  return attempts(
    select,
    "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = current_user AND c.relkind = 'r'",
  );
}

function plantTypes({ words, schemas }: Names): string {
  const select = `SELECT format('CREATE DOMAIN %I.%I AS pg_catalog.%I CHECK (%I.planted_check())', s, t.typname, t.typname, s)
    FROM unnest(${schemas}) s, pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typname = ANY (${words})`;
  const check = `SELECT format('CREATE FUNCTION %I.planted_check() RETURNS boolean ', s) || ${bodyOf("'type'")} FROM unnest(${schemas}) s`;
  return `${attempts(check, '')} ${attempts(
    select,
    "SELECT count(*) FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner WHERE r.rolname = current_user AND t.typtype = 'd'",
  )}`;
}
