import { namedFault, ownTableUnsafe } from '../../sql/destination/own-tables.ts';
import { joinName } from '../../sql/names.ts';
import type { Result } from '../connection/statements.ts';
import { transactionalEngines } from '../describe.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/**
 * Index hints for use after a table's name: the server refuses them on a view before anything of the view runs. Between a catalog query
 * and the statement somebody may put a view there, whose functions would run with this user's rights.
 */
export const plainTable = { byKey: 'FORCE INDEX (PRIMARY)', withoutKey: 'USE INDEX ()' } as const;

/** A shadow has the columns and indexes of its target; the commit table has those defined in commit-rows.ts. */
export type OwnTableUse = 'commits' | 'shadow';

const commitColumns: ReadonlyMap<string, string> = new Map([
  ['uid', 'varchar'],
  ['table', 'varchar'],
  ['name', 'varchar'],
  ['meaning', 'varchar'],
  ['token', 'bigint'],
  ['offset', 'longtext'],
  ['rows', 'bigint'],
  ['session', 'varchar'],
  ['closed', 'tinyint'],
  ['layout', 'int'],
  ['time', 'datetime'],
]);
const commitKey = ['uid', 'table'];

/**
 * Whether the table exists. Throws OwnTableUnsafe if it is not a plain table as Idra creates it. Triggers defined by this user are
 * allowed, as on PostgreSQL, because they gain no rights. Other triggers are visible only to a user with the TRIGGER right.
 */
export async function requireOwnTable(
  session: Session,
  name: TableName,
  use: OwnTableUse,
  signal?: AbortSignal,
): Promise<boolean> {
  const results = await session.guard(() => session.run(inspectSql(name)), signal);
  const faults = faultsOf(results.map(textRows), use);
  if (faults === undefined) return false;
  if (faults.length > 0) throw unsafe(name, faults);
  return true;
}

/** For a table that is about to be dropped, whatever triggers or columns it has. Throws OwnTableUnsafe. */
export async function requireNoView(session: Session, name: TableName, signal?: AbortSignal): Promise<void> {
  const [found] = await session.query(typeSql(name), signal);
  if (found?.[0] === 'VIEW') throw unsafe(name, [isView]);
}

const isView = 'is a view';

function unsafe(name: TableName, faults: readonly string[]): Error {
  const drop = `DROP ${faults.includes(isView) ? 'VIEW' : 'TABLE'} ${quoteName(name)}`;
  return ownTableUnsafe(
    joinName([name.schema, name.table]),
    faults,
    `find out who created it, and delete the objects named in the message; if no Sync stores its offset in it: ${drop}`,
  );
}

type Rows = readonly (readonly (string | null)[])[];

/** Undefined if the table does not exist. */
function faultsOf([tables = [], triggers, keys, columns, indexes]: readonly Rows[], use: OwnTableUse) {
  const [table] = tables;
  if (!table) return undefined;
  const [type, engine] = table;
  if (type !== 'BASE TABLE') return [type === 'VIEW' ? isView : 'is not a plain table'];
  return [
    ...(transactionalEngines.has(engine ?? '') ? [] : [`is a table of ${engine}, which has no transactions`]),
    ...namedFault('has triggers of other users', triggers),
    ...namedFault('has foreign keys', keys),
    ...(use === 'commits'
      ? [
          ...namedFault('does not have the columns of its layout', wrongColumns(columns ?? [])),
          ...(hasCommitKey(indexes ?? []) ? [] : ['has unique indexes other than its key']),
        ]
      : []),
  ];
}

/** A newer layout may have more columns; the code that reads the rows reports it. */
function wrongColumns(columns: Rows): Rows {
  const isRight = ([wanted, wantedType]: readonly [string, string]) =>
    columns.some(
      ([name, type, collation, expression]) =>
        name === wanted &&
        type === wantedType &&
        (expression ?? '') === '' &&
        (!commitKey.includes(wanted) || /_bin$/.test(collation ?? '')),
    );
  return [...commitColumns].filter((each) => !isRight(each));
}

/** ON DUPLICATE KEY fires on every unique index. */
function hasCommitKey(indexes: Rows): boolean {
  const wanted = commitKey.map((column) => ['PRIMARY', column]);
  return JSON.stringify(indexes) === JSON.stringify(wanted);
}

function typeSql({ schema, table }: TableName): string {
  return `SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)}`;
}

function inspectSql(name: TableName): string {
  const [schema, table] = [literalText(name.schema), literalText(name.table)];
  const where = `WHERE TABLE_SCHEMA = ${schema} AND TABLE_NAME = ${table}`;
  return [
    typeSql(name),
    `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${schema} AND EVENT_OBJECT_TABLE = ${table} AND DEFINER <> CURRENT_USER() ORDER BY 1`,
    `SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${schema} AND TABLE_NAME = ${table} ORDER BY 1`,
    `SELECT COLUMN_NAME, LOWER(DATA_TYPE), COLLATION_NAME, GENERATION_EXPRESSION FROM information_schema.COLUMNS ${where}`,
    `SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS ${where} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  ].join('; ');
}

function textRows({ rows }: Result): Rows {
  return rows.map((row) => row.map((cell) => (cell === null ? null : String(cell))));
}
