import type { FieldDef } from 'pg';
import type { ShapeQuery } from './connection/read-only.ts';
import type { Names } from './connection/search-path.ts';
import { quoteName, regclass, type TableName } from './names.ts';

/**
 * Everything that `describe` reads about a table's shape, as one number: columns with type, collation and nullability, labels of enums,
 * unique keys, and the identity of the table. An SQL expression; NULL if the table does not exist. `oid` is an expression too.
 */
export function fingerprintSql(oid: string): string {
  const labels = `CASE WHEN t.typtype = 'e' OR t.typcategory = 'A' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(l.enumlabel), ',' ORDER BY l.enumsortorder)
    FROM pg_catalog.pg_enum l WHERE l.enumtypid IN (t.oid, t.typelem)) END`;
  const columns = `SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', a.attnum, pg_catalog.quote_ident(a.attname), a.atttypid, a.atttypmod, a.attnotnull,
      a.attcollation, a.attgenerated, a.attidentity, a.atthasdef, t.typnotnull, ${labels}), ';' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`;
  const keys = `SELECT pg_catalog.string_agg(pg_catalog.concat_ws(',', i.indexrelid, i.indkey, i.indnkeyatts, i.indisprimary, i.indisvalid, i.indimmediate), ';'
      ORDER BY i.indexrelid)
    FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique`;
  const hasChildren = `c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)`;
  const hidesRows = 'c.relrowsecurity AND pg_catalog.row_security_active(c.oid)';
  return `(SELECT pg_catalog.hashtextextended(pg_catalog.concat_ws('|', c.oid, c.relkind, ${hasChildren}, ${hidesRows}, (${columns}), (${keys})) COLLATE "C", 0)
    FROM pg_catalog.pg_class c WHERE c.oid = ${oid})`;
}

export function tableShapeQuery(name: TableName, names: Names): ShapeQuery {
  return {
    // Without columns, so that a user who may read only some of them can run it.
    lockSql: `SELECT FROM ${quoteName(name)} LIMIT 0`,
    fingerprintSql: `SELECT ${fingerprintSql(regclass(name))}`,
    names,
  };
}

/** For a query the result's own fields are compared; the catalog adds the collations of columns that it passes through. */
export function queryShapeQuery(from: string, fields: readonly FieldDef[]): ShapeQuery {
  const columns = fields.filter((each) => each.tableID !== 0);
  const pairs = columns.map((each) => `(${each.tableID}::oid, ${each.columnID}::int2)`);
  return {
    lockSql: `SELECT * FROM ${from} LIMIT 0`,
    fingerprintSql:
      pairs.length === 0
        ? "SELECT ''"
        : `SELECT pg_catalog.string_agg(a.attcollation::text, ',' ORDER BY a.attrelid, a.attnum)
           FROM pg_catalog.pg_attribute a WHERE (a.attrelid, a.attnum) IN (VALUES ${pairs.join(', ')})`,
    names: 'users',
  };
}

/** The observed shape as text, to be compared with an earlier one. */
export function shapeText(fields: readonly FieldDef[], fingerprint: string | null | undefined): string {
  const shown = fields.map(({ name, tableID, columnID, dataTypeID, dataTypeModifier }) => [
    name,
    tableID,
    columnID,
    dataTypeID,
    dataTypeModifier,
  ]);
  return JSON.stringify([shown, fingerprint ?? null]);
}
