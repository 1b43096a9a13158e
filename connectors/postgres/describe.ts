import type { FieldDef } from 'pg';
import { type Finding, permanent } from '../../core/errors.ts';
import type { Column, Relation, UniqueKey } from '../../core/values.ts';
import { joinName, quoteDouble } from '../sql/names.ts';
import { literalText } from './literals.ts';
import { type CatalogType, toColumnType } from './native-types.ts';
import type { Session, TextRow } from './session.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A table as the catalogue has it, with what only this connector asks about. */
export interface TableEntry {
  readonly relation: Relation;
  readonly oid: string;
  /** pg_class.relkind: r table, p partitioned, v view, m materialized view, f foreign table. */
  readonly kind: string;
  readonly isUnlogged: boolean;
  /** GENERATED ALWAYS AS IDENTITY: can be inserted, never updated. */
  readonly alwaysIdentity: ReadonlySet<string>;
}

/** Types are named with their schema unless they are built in, wherever the session looks for names. */
const catalogPath = "SET LOCAL search_path = ''";
/** Orders as bytes do; C.UTF-8 orders by code points, which is the same. */
const byteOrders = new Set(['C', 'POSIX', 'ucs_basic', 'C.UTF-8', 'C.utf8', 'pg_c_utf8']);

/** Parts of a name in a manifest; without a schema, the first of the session's search_path. */
export async function resolveName(
  session: Session,
  parts: readonly string[],
  path: string,
): Promise<TableName> {
  const [schema, table] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (parts.length > 2 || table === undefined) {
    throw permanent(
      'NameInvalid',
      `"${joinName(parts)}" has ${parts.length} parts, and PostgreSQL knows schema.table`,
      {
        path,
        mend: 'write schema.table',
      },
    );
  }
  if (schema !== undefined) return { schema, table };
  const [[current] = []] = await session.query('SELECT current_schema()');
  return { schema: current ?? 'public', table };
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteDouble(schema)}.${quoteDouble(table)}`;
}

/** Undefined where there is no such table; throws SchemaNotFound. */
export async function describeTable(
  session: Session,
  name: TableName,
  path: string,
): Promise<TableEntry | undefined> {
  const [[oid, kind, rows, bytes, persistence, isSecured] = []] = await session.query(tableSql(name));
  if (oid === undefined || oid === null) {
    await requireSchema(session, name.schema, path);
    return undefined;
  }
  const columnRows = await session.query(inCatalogPath(columnsSql(tableColumns(oid))));
  const columns = columnRows.map(toColumn);
  const findings = tableFindings(name, kind ?? '', isSecured === 't');
  return {
    relation: {
      name: joinName([name.schema, name.table]),
      columns,
      keys: (await session.query(keysSql(oid))).map(toKey),
      ...(rows === null || rows === undefined ? {} : { estimatedRows: Number(rows) }),
      ...(bytes === null || bytes === undefined ? {} : { estimatedBytes: Number(bytes) }),
      ...(findings.length > 0 && { findings }),
    },
    oid,
    kind: kind ?? '',
    isUnlogged: persistence === 'u',
    alwaysIdentity: new Set(columnRows.filter((row) => row[3] === 'a').map((row) => row[0] ?? '')),
  };
}

/** The result columns of a query, by their types; no row is read. Throws QueryInvalid. */
export async function describeQuery(session: Session, query: string): Promise<Relation> {
  const from = fromQuery(query);
  const fields = await session.guard(() => session.fields(`SELECT * FROM ${from} LIMIT 0`));
  const rows =
    fields.length === 0 ? [] : await session.query(inCatalogPath(columnsSql(queryColumns(fields))));
  return { name: 'query', columns: rows.map(toColumn), keys: [] };
}

/** On lines of its own, so that a comment at the query's end ends with it. */
export function fromQuery(query: string): string {
  return `(\n${query.trim().replace(/;\s*$/, '')}\n) AS "q"`;
}

/** Names of what a user would sync. */
export async function listTables(session: Session): Promise<readonly TableName[]> {
  const rows = await session.query(
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relname !~ '^_idra_'
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
     ORDER BY 1, 2`,
  );
  return rows.map(([schema, table]) => ({ schema: schema ?? '', table: table ?? '' }));
}

async function requireSchema(session: Session, schema: string, path: string): Promise<void> {
  const found = await session.query(
    `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literalText(schema)}`,
  );
  if (found.length > 0) return;
  throw permanent('SchemaNotFound', `there is no schema ${schema}`, {
    path,
    mend: `CREATE SCHEMA ${quoteDouble(schema)}`,
  });
}

function inCatalogPath(sql: string): string {
  return `BEGIN; ${catalogPath}; ${sql}; COMMIT`;
}

function tableSql({ schema, table }: TableName): string {
  return `SELECT c.oid, c.relkind,
      CASE WHEN c.relkind = 'p' THEN (SELECT sum(greatest(r.reltuples, 0)) FROM pg_catalog.pg_partition_tree(c.oid) p
        JOIN pg_catalog.pg_class r ON r.oid = p.relid WHERE p.isleaf)::bigint
      WHEN c.relkind IN ('r', 'm') AND (c.reltuples > 0 OR c.relpages > 0) THEN c.reltuples::bigint END,
      CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(c.oid) END,
      c.relpersistence, c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ${literalText(schema)} AND c.relname = ${literalText(table)}`;
}

function tableColumns(oid: string): string {
  return `SELECT a.attnum::int, a.attname::text, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated <> '', a.attidentity::text,
      a.atthasdef, a.attcollation
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped`;
}

function queryColumns(fields: readonly FieldDef[]): string {
  const rows = fields.map(
    ({ name, dataTypeID, dataTypeModifier, tableID, columnID }, index) =>
      `(${index}, ${literalText(name)}, ${dataTypeID}::oid, ${dataTypeModifier}, ${tableID}::oid, ${columnID})`,
  );
  return `SELECT v.n, v.name, v.type, v.modifier, false, false, '', false,
      coalesce(a.attcollation, t.typcollation)
    FROM (VALUES ${rows.join(', ')}) AS v (n, name, type, modifier, relation, number)
    JOIN pg_catalog.pg_type t ON t.oid = v.type
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = v.relation AND a.attnum = v.number`;
}

/** Domains are resolved to what they stand on; the order of the result's columns is what toColumn reads. */
function columnsSql(given: string): string {
  return `WITH RECURSIVE given (n, name, type, modifier, not_null, generated, identity, has_default, collation_id) AS (${given}),
    base (n, type, modifier, not_null) AS (
      SELECT n, type, modifier, not_null FROM given
      UNION ALL
      SELECT b.n, d.typbasetype, CASE WHEN d.typtypmod >= 0 THEN d.typtypmod ELSE b.modifier END, b.not_null OR d.typnotnull
      FROM base b JOIN pg_catalog.pg_type d ON d.oid = b.type AND d.typtype = 'd')
    SELECT g.name, b.not_null, g.generated, g.identity, g.has_default,
      CASE WHEN c.collname = 'default' THEN (SELECT datcollate FROM pg_catalog.pg_database WHERE datname = current_database()) ELSE c.collname END,
      pg_catalog.format_type(b.type, b.modifier), b.modifier,
      tn.nspname, t.typname, t.typtype, en.nspname, e.typname, e.typtype,
      (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid))
    FROM given g JOIN base b ON b.n = g.n
    JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type i ON i.oid = t.typelem AND t.typcategory = 'A' AND t.typlen = -1
      AND t.typname NOT IN ('int2vector', 'oidvector')
    LEFT JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN i.typtype = 'd' THEN i.typbasetype ELSE i.oid END
    LEFT JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace
    LEFT JOIN pg_catalog.pg_collation c ON c.oid = g.collation_id
    ORDER BY g.n`;
}

function toColumn(row: TextRow): Column {
  const [
    name,
    notNull,
    generated,
    identity,
    hasDefault,
    collation,
    nativeType,
    modifier,
    schema,
    type,
    kind,
  ] = row;
  const [elementSchema, elementType, elementKind, labels] = row.slice(11);
  const common = { modifier: Number(modifier), labels: labels ? (JSON.parse(labels) as string[]) : [] };
  const element: CatalogType | undefined = elementType
    ? {
        ...common,
        schema: elementSchema ?? '',
        name: elementType,
        kind: elementKind ?? '',
        element: undefined,
      }
    : undefined;
  const columnType = toColumnType({
    ...common,
    schema: schema ?? '',
    name: type ?? '',
    kind: kind ?? '',
    element,
  });
  return {
    name: name ?? '',
    type: columnType,
    nativeType: nativeType ?? '',
    isNullable: notNull !== 't',
    ...(generated === 't' && { isGenerated: true }),
    ...(identity && { isIdentity: true }),
    ...(hasDefault === 't' && generated !== 't' && { hasDefault: true }),
    ...(collation && !byteOrders.has(collation) && { collation }),
  };
}

/** Never partial, on expressions, deferrable (no arbiter of ON CONFLICT), or with columns that may be NULL. */
function keysSql(oid: string): string {
  return `SELECT c.relname, i.indisprimary,
      (SELECT pg_catalog.json_agg(a.attname ORDER BY k.nr) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k (attnum, nr)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ${oid} AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k (attnum)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE NOT a.attnotnull)
    ORDER BY i.indisprimary DESC, i.indnkeyatts, c.relname`;
}

function toKey([name, isPrimary, columns]: TextRow): UniqueKey {
  return { name: name ?? '', isPrimary: isPrimary === 't', columns: JSON.parse(columns ?? '[]') as string[] };
}

function tableFindings(name: TableName, kind: string, isSecured: boolean): Finding[] {
  const findings: Finding[] = [];
  const told = joinName([name.schema, name.table]);
  if (isSecured) {
    findings.push({
      severity: 'warning',
      code: 'RowSecurity',
      message: `row security of ${told} hides rows from this user`,
      mend: 'GRANT a role with BYPASSRLS, or add a policy that shows all rows to it',
    });
  }
  if (kind === 'f') {
    findings.push({
      severity: 'warning',
      code: 'LateRowsBySafetyLag',
      message: `${told} is a foreign table: open transactions of the other server are not seen, late rows are covered by safetyLag alone`,
      mend: 'read it from the server where it stands, or set safetyLag',
    });
  }
  return findings;
}
