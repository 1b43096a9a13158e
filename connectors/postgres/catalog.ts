import type { FieldDef } from 'pg';
import type { TableName } from './names.ts';
import { literalText } from './types/literals.ts';

/** Queries of the catalog about tables, columns and keys; describe.ts reads the answers. */

/** The rules by which a collation compares, whatever its name. The columns have different names in different versions. */
const localeSql = `pg_catalog.concat_ws(' ', coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate),
          pg_catalog.to_jsonb(c) ->> 'collicurules')`;

/** The schema of the operators that order an index of type t, if they are not the system's. Only superusers can create such classes. */
const operatorSchemaSql = `(SELECT pn.nspname FROM pg_catalog.pg_opclass oc
        JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
        JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = t.oid AND ao.amoprighttype = t.oid AND ao.amopstrategy = 5
        JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr AND o.oprname = '>'
        JOIN pg_catalog.pg_namespace pn ON pn.oid = o.oprnamespace AND pn.nspname <> 'pg_catalog'
        WHERE oc.opcintype = t.oid AND oc.opcdefault)`;

export function tableSql({ schema, table }: TableName): string {
  return `SELECT c.oid, c.relkind,
      CASE WHEN c.relkind = 'p' THEN (SELECT sum(greatest(r.reltuples, 0)) FROM pg_catalog.pg_partition_tree(c.oid) p
        JOIN pg_catalog.pg_class r ON r.oid = p.relid WHERE p.isleaf)::bigint
      WHEN c.relkind IN ('r', 'm') AND (c.reltuples > 0 OR c.relpages > 0) THEN c.reltuples::bigint END,
      CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_total_relation_size(c.oid) END,
      c.relpersistence, c.relrowsecurity AND pg_catalog.row_security_active(c.oid),
      c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ${literalText(schema)} AND c.relname = ${literalText(table)}`;
}

export function tableColumns(oid: string): string {
  return `SELECT a.attnum::int, a.attname::text, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated <> '', a.attidentity::text,
      a.atthasdef, a.attcollation
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped`;
}

/** The oids of those types of the fields whose values are compared by a collation. */
export function collatableSql(fields: readonly FieldDef[]): string {
  const types = new Set(fields.map(({ dataTypeID }) => `${dataTypeID}::oid`));
  return `SELECT oid FROM pg_catalog.pg_type WHERE typcollation <> 0 AND oid IN (${[...types].join(', ')})`;
}

/**
 * The collations that the query itself gives its fields (by index): returns one row, and none of the query's. It runs on the users'
 * search path, where collations are named as by pg_collation_for, so every function and operator is qualified with pg_catalog.
 */
export function fieldCollationsSql(
  from: string,
  fields: readonly FieldDef[],
  wanted: readonly number[],
): string {
  const items = wanted.map((index) => {
    const collation = `pg_catalog.pg_collation_for("none"."c${index}") COLLATE pg_catalog."C"`;
    return `(SELECT c.oid FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace s ON s.oid ${equals} c.collnamespace
      WHERE ${collationName} ${equals} ${collation} AND c.collencoding ${equals} ANY (ARRAY[-1, ${encodingOfDatabase}])
      ORDER BY c.collencoding DESC LIMIT 1)`;
  });
  const names = fields.map((_, index) => `"c${index}"`);
  return `SELECT ${items.join(', ')}
    FROM (SELECT) AS "one" LEFT JOIN (SELECT * FROM ${from} LIMIT 0) AS "none" (${names.join(', ')}) ON TRUE`;
}

const equals = 'OPERATOR(pg_catalog.=)';
const encodingOfDatabase = 'pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding())';
const collationName = `CASE WHEN pg_catalog.pg_collation_is_visible(c.oid) THEN pg_catalog.quote_ident(c.collname)
        ELSE pg_catalog.concat(pg_catalog.quote_ident(s.nspname), '.', pg_catalog.quote_ident(c.collname)) END`;

/** `collations` are those of fields that are expressions; for columns the catalog has them. */
export function queryColumns(fields: readonly FieldDef[], collations: ReadonlyMap<number, string>): string {
  const rows = fields.map(
    ({ name, dataTypeID, dataTypeModifier, tableID, columnID }, index) =>
      `(${index}, ${literalText(name)}, ${dataTypeID}::oid, ${dataTypeModifier}, ${tableID}::oid, ${columnID}, ${collations.get(index) ?? 'NULL'}::oid)`,
  );
  return `SELECT v.n, v.name, v.type, v.modifier, false, false, '', false,
      coalesce(a.attcollation, v.own, t.typcollation)
    FROM (VALUES ${rows.join(', ')}) AS v (n, name, type, modifier, relation, number, own)
    JOIN pg_catalog.pg_type t ON t.oid = v.type
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = v.relation AND a.attnum = v.number`;
}

/** Domains are resolved to their base types. toColumn depends on the order of the result columns. */
export function columnsSql(given: string): string {
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
      (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid)),
      CASE WHEN coalesce(e.typname, t.typname) IN ('citext', 'bpchar') THEN coalesce(e.typname, t.typname)
        WHEN NOT c.collisdeterministic THEN ${localeSql} END,
      CASE WHEN tn.nspname <> 'pg_catalog' THEN ${operatorSchemaSql} END
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

/**
 * For a table only NOT NULL columns, for a materialized view (whose columns are never NOT NULL) all. Never partial indexes, expressions,
 * or indexes with a collation that treats more values as equal than the column's does. Deferred keys come after the others.
 */
export function keysSql(oid: string, kind: string): string {
  const columns = (
    item: string,
  ) => `SELECT ${item} FROM unnest(i.indkey[0:i.indnkeyatts - 1], i.indcollation[0:i.indnkeyatts - 1]) WITH ORDINALITY k (attnum, coll, nr)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = k.coll AND k.coll <> a.attcollation`;
  const isUnfit = `${kind === 'm' ? '' : 'NOT a.attnotnull OR '}NOT l.collisdeterministic`;
  return `SELECT c.relname, i.indisprimary, (${columns('pg_catalog.json_agg(a.attname ORDER BY k.nr)')}), NOT i.indimmediate
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ${oid} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (${columns('')} WHERE ${isUnfit})
    ORDER BY NOT i.indimmediate, i.indisprimary DESC, i.indnkeyatts, c.relname`;
}

/**
 * The first column of each index of a table; `oid` comes from the catalog. Partial indexes are left out, as they do not serve every pass.
 */
export function firstOfIndexesSql(oid: string): string {
  return `SELECT DISTINCT a.attname FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = ${Number(oid)} AND i.indisvalid AND i.indpred IS NULL`;
}

/** The last value of the sequence that a column owns, if it only increases and this user may read it. `from` is the table in SQL. */
export function issuedSql(from: string, column: string): string {
  const owned = `pg_get_serial_sequence(${literalText(from)}, ${literalText(column)})`;
  return `SELECT coalesce(last_value, start_value - 1) FROM pg_sequences
    WHERE format('%I.%I', schemaname, sequencename) = ${owned} AND increment_by > 0 AND NOT cycle
      AND has_sequence_privilege(${owned}, 'SELECT, USAGE')`;
}
