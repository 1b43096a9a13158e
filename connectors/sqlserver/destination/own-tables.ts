import { namedFault, ownTableUnsafe } from '../../sql/destination/own-tables.ts';
import { joinName } from '../../sql/names.ts';
import { isSet, objectId } from '../catalog.ts';
import type { SqlRow } from '../connection/statements.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/** A shadow has the columns and defaults of its target; the commit table has those defined in commit-rows.ts. */
export type OwnTableUse = 'commits' | 'shadow';

const commitColumns: ReadonlyMap<string, string> = new Map([
  ['uid', 'nvarchar'],
  ['table', 'nvarchar'],
  ['name', 'nvarchar'],
  ['meaning', 'nvarchar'],
  ['token', 'bigint'],
  ['offset', 'nvarchar'],
  ['rows', 'bigint'],
  ['session', 'nvarchar'],
  ['closed', 'bit'],
  ['layout', 'int'],
  ['time', 'datetime2'],
  ['target', 'nvarchar'],
]);

/**
 * Whether the table exists. Throws OwnTableUnsafe if it is not a plain table as Idra creates it: a trigger, a default or a check of
 * somebody else would run with the rights of Idra's user.
 */
export async function requireOwnTable(
  session: Session,
  name: TableName,
  use: OwnTableUse,
  signal?: AbortSignal,
): Promise<boolean> {
  const results = await session.guard(() => session.run(inspectSql(name)), signal);
  const faults = faultsOf(
    results.map(({ rows }) => rows),
    use,
  );
  if (faults === undefined) return false;
  if (faults.length === 0) return true;
  throw ownTableUnsafe(
    joinName([name.schema, name.table]),
    faults,
    `find out who created it, and delete the objects named in the message; if no Sync stores its offset in it: DROP ${faults.includes(isView) ? 'VIEW' : 'TABLE'} ${quoteName(name)}`,
  );
}

const isView = 'is a view';

type Rows = readonly SqlRow[];

/** Undefined if nothing has this name. */
function faultsOf([objects = [], triggers, constraints, columns]: readonly Rows[], use: OwnTableUse) {
  const [object] = objects;
  if (!object) return undefined;
  const type = String(object[0]).trim();
  if (type !== 'U') return [type === 'V' ? isView : 'is not a table'];
  return [
    ...namedFault('has triggers', triggers),
    ...(use === 'commits'
      ? [
          ...namedFault('has checks, defaults or foreign keys', constraints),
          ...namedFault('does not have the columns of its layout', wrongColumns(columns ?? [])),
        ]
      : []),
  ];
}

/** A newer layout may have more columns; the code that reads the rows reports it. A table of an older version may lack `target`. */
function wrongColumns(columns: Rows): Rows {
  const isRight = ([wanted, wantedType]: readonly [string, string]) =>
    columns.some(([name, type, computed]) => name === wanted && type === wantedType && !isSet(computed));
  return [...commitColumns].filter((each) => !isRight(each)).map(([name]) => [name]);
}

function inspectSql(name: TableName): string {
  const id = objectId(name);
  return [
    `SELECT o.type FROM sys.objects AS o WHERE o.object_id = ${id}`,
    `SELECT t.name FROM sys.triggers AS t WHERE t.parent_id = ${id} ORDER BY t.name`,
    `SELECT o.name FROM sys.objects AS o WHERE o.parent_object_id = ${id} AND o.type IN ('C', 'D', 'F') ORDER BY o.name`,
    `SELECT c.name, t.name, c.is_computed FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.system_type_id WHERE c.object_id = ${id}`,
  ].join(';\n');
}

/** The statement that drops a table of Idra's if it exists, and never a view. */
export function dropTable(name: TableName): string {
  return `IF OBJECT_ID(${literalText(quoteName(name))}, 'U') IS NOT NULL DROP TABLE ${quoteName(name)}`;
}
