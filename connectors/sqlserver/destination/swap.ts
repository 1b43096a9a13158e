import { systemClock } from '../../../core/clock.ts';
import { type Finding, IdraError } from '../../../core/errors.ts';
import { joinName } from '../../sql/names.ts';
import { isSet, objectId } from '../catalog.ts';
import type { Result, SqlRow } from '../connection/statements.ts';
import { quoteBracket, quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { isCollationName } from '../types/column-types.ts';
import { literalText } from '../types/literals.ts';
import { nativeOf } from '../types/type-name.ts';

/** What a table consists of, apart from its rows, as statements for another table. */
export interface TableDefinition {
  /** A statement for each kind of rename, on the shadow itself, to see whether the server can do it. */
  readonly trial: readonly string[];
  /** Columns with defaults, identity and formulas; keys, indexes and checks under names of Idra. */
  readonly create: readonly string[];
  /** After the swap: the names that these had. */
  readonly rename: readonly string[];
  /** Rights on the table and its columns. */
  readonly grants: readonly string[];
}

const path = 'spec.destination.table';

/** Reads what `shadow` must have in common with `target`. `marker`: distinguishes the names of this pass from those of the last one. */
export async function readDefinition(
  session: Session,
  target: TableName,
  shadow: TableName,
  marker: string,
  signal: AbortSignal,
): Promise<TableDefinition> {
  const results = await session.guard(() => session.run(definitionSql(objectId(target))), signal);
  const [columns, indexes, indexColumns, checks, grants] = results.map(({ rows }: Result) => rows);
  const name = quoteName(shadow);
  const named = new Names(`${shadow.table}_${marker}`);
  const items = (columns ?? []).map((row) => columnItem(row, named, joinName([target.schema, target.table])));
  const indexStatements = (indexes ?? []).map((row) => indexStatement(row, indexColumns ?? [], name, named));
  const checkStatements = (checks ?? []).map(([check, definition]) => {
    const constraint = quoteBracket(named.of(String(check), 'OBJECT'));
    return `ALTER TABLE ${name} ADD CONSTRAINT ${constraint} CHECK ${definition}`;
  });
  return {
    create: [`CREATE TABLE ${name} (${items.join(', ')})`, ...indexStatements, ...checkStatements],
    trial: named.trial(shadow),
    rename: named.renames(target),
    grants: (grants ?? []).map((row) => grantStatement(row, quoteName(target))),
  };
}

/** Names of constraints are unique in a schema, so those of a shadow differ until the target is gone. */
class Names {
  readonly #base: string;
  readonly #given: { readonly name: string; readonly as: string; readonly type: 'OBJECT' | 'INDEX' }[] = [];

  constructor(base: string) {
    this.#base = base;
  }

  of(name: string, type: 'OBJECT' | 'INDEX'): string {
    const as = `${this.#base}_${this.#given.length}`;
    this.#given.push({ name, as, type });
    return as;
  }

  renames(target: TableName): string[] {
    return this.#given.map(({ name, as, type }) => renameStatement(partsIn(target, as, type), name, type));
  }

  trial(shadow: TableName): string[] {
    return (['OBJECT', 'INDEX'] as const).flatMap((wanted) => {
      const one = this.#given.find(({ type }) => type === wanted);
      return one ? [renameStatement(partsIn(shadow, one.as, wanted), `${one.as}_trial`, wanted)] : [];
    });
  }
}

function partsIn({ schema, table }: TableName, name: string, type: 'OBJECT' | 'INDEX'): readonly string[] {
  return type === 'INDEX' ? [schema, table, name] : [schema, name];
}

export function renameStatement(
  from: readonly string[],
  to: string,
  type: 'OBJECT' | 'INDEX' = 'OBJECT',
): string {
  return `EXEC sp_rename ${literalText(from.map(quoteBracket).join('.'))}, ${literalText(to)}, N'${type}'`;
}

function definitionSql(id: string): string {
  return [
    `SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable, c.collation_name, x.definition, x.is_persisted,
       d.name, d.definition, CONVERT(varchar(41), i.seed_value), CONVERT(varchar(41), i.increment_value)
     FROM sys.columns AS c LEFT JOIN sys.types AS t ON t.user_type_id = c.system_type_id
       LEFT JOIN sys.computed_columns AS x ON x.object_id = c.object_id AND x.column_id = c.column_id
       LEFT JOIN sys.default_constraints AS d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
       LEFT JOIN sys.identity_columns AS i ON i.object_id = c.object_id AND i.column_id = c.column_id
     WHERE c.object_id = ${id} ORDER BY c.column_id`,
    `SELECT i.index_id, i.name, i.type, i.is_unique, i.is_primary_key, i.is_unique_constraint, i.filter_definition, i.ignore_dup_key
     FROM sys.indexes AS i WHERE i.object_id = ${id} AND i.type IN (1, 2) AND i.is_hypothetical = 0 AND i.is_disabled = 0
     ORDER BY i.type, i.index_id`,
    `SELECT k.index_id, c.name, k.is_descending_key, k.is_included_column
     FROM sys.index_columns AS k JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
     WHERE k.object_id = ${id} ORDER BY k.index_id, k.key_ordinal, k.index_column_id`,
    `SELECT k.name, k.definition FROM sys.check_constraints AS k WHERE k.parent_object_id = ${id} AND k.is_disabled = 0 ORDER BY k.name`,
    `SELECT p.state_desc, p.permission_name, u.name, COL_NAME(p.major_id, p.minor_id)
     FROM sys.database_permissions AS p JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
     WHERE p.class = 1 AND p.major_id = ${id} ORDER BY p.minor_id, u.name, p.permission_name`,
  ].join(';\n');
}

function columnItem(row: SqlRow, names: Names, relation: string): string {
  const [name, base, maxLength, precision, scale, nullable, collation, formula, persisted] = row;
  const [standardName, standard, seed, increment] = row.slice(9);
  const column = quoteBracket(String(name));
  if (formula !== null) return `${column} AS ${formula}${isSet(persisted) ? ' PERSISTED' : ''}`;
  const catalogued = {
    base: String(base ?? 'unknown').toLowerCase(),
    maxLength: Number(maxLength),
    precision: Number(precision),
    scale: Number(scale),
  };
  return [
    column,
    nativeOf(catalogued, String(name), relation, path),
    collation !== null && isCollationName(String(collation)) ? `COLLATE ${collation}` : '',
    seed === null ? '' : `IDENTITY(${BigInt(String(seed))}, ${BigInt(String(increment))})`,
    isSet(nullable) ? 'NULL' : 'NOT NULL',
    standard === null
      ? ''
      : `CONSTRAINT ${quoteBracket(names.of(String(standardName), 'OBJECT'))} DEFAULT ${standard}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function indexStatement(row: SqlRow, columns: readonly SqlRow[], table: string, names: Names): string {
  const [id, name, type, unique, primary, constraint, filter, ignoresDuplicates] = row;
  const own = columns.filter(([index]) => Number(index) === Number(id));
  const keys = own
    .filter(([, , , included]) => !isSet(included))
    .map(([, column, descending]) => `${quoteBracket(String(column))}${isSet(descending) ? ' DESC' : ''}`);
  const included = own
    .filter(([, , , each]) => isSet(each))
    .map(([, column]) => quoteBracket(String(column)));
  const kind = Number(type) === 1 ? 'CLUSTERED' : 'NONCLUSTERED';
  const options = isSet(ignoresDuplicates) ? ' WITH (IGNORE_DUP_KEY = ON)' : '';
  if (isSet(primary) || isSet(constraint)) {
    const as = quoteBracket(names.of(String(name), 'OBJECT'));
    const what = isSet(primary) ? 'PRIMARY KEY' : 'UNIQUE';
    return `ALTER TABLE ${table} ADD CONSTRAINT ${as} ${what} ${kind} (${keys.join(', ')})${options}`;
  }
  const as = quoteBracket(names.of(String(name), 'INDEX'));
  return [
    `CREATE ${isSet(unique) ? 'UNIQUE ' : ''}${kind} INDEX ${as} ON ${table} (${keys.join(', ')})`,
    included.length > 0 ? ` INCLUDE (${included.join(', ')})` : '',
    filter === null ? '' : ` WHERE ${filter}`,
    options,
  ].join('');
}

/** The server's words: GRANT, DENY, GRANT_WITH_GRANT_OPTION, and names of rights. */
function grantStatement([state, right, user, column]: SqlRow, table: string): string {
  const [verb, option] = String(state) === 'DENY' ? ['DENY', ''] : ['GRANT', ''];
  const withOption = String(state) === 'GRANT_WITH_GRANT_OPTION' ? ' WITH GRANT OPTION' : option;
  const name = String(right).replaceAll(/[^A-Z ]/g, '');
  const of = column === null ? '' : ` (${quoteBracket(String(column))})`;
  return `${verb} ${name} ON ${table}${of} TO ${quoteBracket(String(user))}${withOption}`;
}

/** A statement that waits for readers makes later readers wait behind it. So it waits only briefly, and lets them proceed. */
const waitMs = 1_000;
const pauseMs = 500;
const patienceMs = 30_000;

/** Runs a batch that locks the target against everybody. */
export async function runInTurn(
  session: Session,
  sql: string,
  lockTimeoutMs: number,
  signal: AbortSignal,
): Promise<readonly Result[]> {
  const deadlineMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await session.guard(
        () => session.run(`SET LOCK_TIMEOUT ${waitMs};\n${sql};\nSET LOCK_TIMEOUT ${lockTimeoutMs}`),
        signal,
      );
    } catch (thrown) {
      const isWaiting = thrown instanceof IdraError && thrown.code === 'LockTimeout';
      if (!session.isLost)
        await session.query(
          `IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET LOCK_TIMEOUT ${lockTimeoutMs}`,
          signal,
        );
      if (!isWaiting || systemClock.monotonicMs() > deadlineMs) throw thrown;
      await systemClock.sleep(pauseMs, signal);
    }
  }
}

interface Loss {
  readonly sql: string;
  readonly finding: (name: string, table: string) => Finding;
}

function isLost(what: string): Loss['finding'] {
  return (name, table) => ({
    severity: 'warning',
    code: 'NotKeptByReplace',
    path: 'spec.writeMode',
    message: `${what} ${name} of ${table} does not survive Replace: the new table has the columns, defaults, keys, indexes, checks and grants of the old one`,
    fix: 'use Upsert, or drop it',
  });
}

function isRefused(code: Finding['code'], what: string): Loss['finding'] {
  return (name, table) => ({
    severity: 'error',
    code,
    path: 'spec.writeMode',
    message: `${what} ${name}: ${table} cannot be replaced by another table`,
    fix: 'use Upsert, or drop it',
  });
}

/** Each is asked alone: a system that does not know the view has none of these objects. */
function losses(id: string): readonly Loss[] {
  return [
    { sql: `SELECT name FROM sys.triggers WHERE parent_id = ${id}`, finding: isLost('trigger') },
    {
      sql: `SELECT name FROM sys.foreign_keys WHERE parent_object_id = ${id}`,
      finding: isLost('foreign key'),
    },
    {
      sql: `SELECT OBJECT_SCHEMA_NAME(parent_object_id) + N'.' + OBJECT_NAME(parent_object_id) FROM sys.foreign_keys WHERE referenced_object_id = ${id}`,
      finding: isRefused('ReplaceBreaksForeignKey', 'a foreign key refers to it from'),
    },
    {
      sql: `SELECT name FROM sys.indexes WHERE object_id = ${id} AND type > 2 AND is_hypothetical = 0`,
      finding: isLost('columnstore, XML or spatial index'),
    },
    {
      sql: `SELECT N'"' + name + N'"' FROM sys.extended_properties WHERE class = 1 AND major_id = ${id}`,
      finding: isLost('the extended property'),
    },
    {
      sql: `SELECT DISTINCT OBJECT_SCHEMA_NAME(referencing_id) + N'.' + OBJECT_NAME(referencing_id) FROM sys.sql_expression_dependencies
        WHERE referenced_id = ${id} AND is_schema_bound_reference = 1 AND referencing_id <> ${id}`,
      finding: isRefused('DependentObjects', 'it is bound by the schema of'),
    },
    {
      sql: `SELECT name FROM sys.columns WHERE object_id = ${id} AND is_masked = 1`,
      finding: isRefused('DependentObjects', 'a mask hides the values of column'),
    },
    {
      sql: `SELECT name FROM sys.columns WHERE object_id = ${id} AND encryption_type IS NOT NULL`,
      finding: isRefused('DependentObjects', 'Always Encrypted protects column'),
    },
    {
      sql: `SELECT DISTINCT p.name FROM sys.security_predicates AS f JOIN sys.security_policies AS p ON p.object_id = f.object_id
        WHERE f.target_object_id = ${id}`,
      finding: isRefused('DependentObjects', 'its rows are guarded by security policy'),
    },
    {
      sql: `SELECT name FROM sys.columns WHERE object_id = ${id} AND is_column_set = 1`,
      finding: isRefused('DependentObjects', 'its sparse columns are shown by column set'),
    },
    {
      sql: `SELECT name FROM sys.columns WHERE object_id = ${id} AND is_sparse = 1`,
      finding: isLost('sparse storage of column'),
    },
    {
      sql: `SELECT s.name FROM sys.indexes AS i JOIN sys.partition_schemes AS s ON s.data_space_id = i.data_space_id
        WHERE i.object_id = ${id} AND i.index_id < 2`,
      finding: isLost('partition scheme'),
    },
    {
      sql: `SELECT DISTINCT data_compression_desc FROM sys.partitions WHERE object_id = ${id} AND data_compression <> 0`,
      finding: isLost('compression by'),
    },
    {
      sql: `SELECT c.name FROM sys.fulltext_indexes AS x JOIN sys.fulltext_catalogs AS c ON c.fulltext_catalog_id = x.fulltext_catalog_id
        WHERE x.object_id = ${id}`,
      finding: isLost('full-text index in catalog'),
    },
    {
      sql: `SELECT N'history' FROM sys.tables WHERE object_id = ${id} AND temporal_type = 2`,
      finding: isRefused('DependentObjects', 'it is system-versioned and has a'),
    },
    {
      sql: `SELECT N'capture' FROM sys.tables WHERE object_id = ${id} AND is_tracked_by_cdc = 1`,
      finding: isRefused('DependentObjects', 'its changes are tracked by a'),
    },
    {
      sql: `SELECT N'tracking' FROM sys.change_tracking_tables WHERE object_id = ${id}`,
      finding: isRefused('DependentObjects', 'its changes are seen by change'),
    },
  ];
}

/** What does not survive a swap. */
export async function replaceFindings(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { sql, finding } of losses(objectId(name))) {
    const rows = await session.query(sql, signal).catch((thrown: unknown) => {
      if (thrown instanceof IdraError && thrown.disposition === 'permanent') return [];
      throw thrown;
    });
    findings.push(...rows.map(([each]) => finding(String(each), joinName([name.schema, name.table]))));
  }
  return findings;
}
