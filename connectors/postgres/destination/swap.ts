import { systemClock } from '../../../core/clock.ts';
import { type Finding, permanent, transient } from '../../../core/errors.ts';
import { quoteDouble } from '../../sql/names.ts';
import type { TableEntry } from '../describe.ts';
import { sqlState } from '../errors.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/**
 * A session that waits for the lock makes every later reader wait behind it. So it waits no longer than this, and then lets them proceed.
 */
const waitMs = 300;
const pauseMs = 500;
const patienceMs = 20_000;
const lockNotAvailable = '55P03';

/** Call within a transaction: from now on nobody else reads or writes the table. Throws LockTimeout if it is never free. */
export async function lockOutOthers(session: Session, name: TableName, signal: AbortSignal): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      await session.run(
        `SAVEPOINT lock_out; SET LOCAL lock_timeout = ${waitMs}; LOCK TABLE ${quoteName(name)} IN ACCESS EXCLUSIVE MODE`,
      );
      // The following statements may have to wait for views, and for tables that reference this one.
      await session.run("RELEASE lock_out; SET LOCAL lock_timeout = '2s'");
      return;
    } catch (thrown) {
      if (sqlState(thrown) !== lockNotAvailable) throw thrown;
      await session.run('ROLLBACK TO lock_out');
      if (systemClock.monotonicMs() > deadlineMs) throw await lockTimeout(session, name, thrown);
      await systemClock.sleep(pauseMs, signal);
    }
  }
}

async function lockTimeout(session: Session, name: TableName, cause: unknown): Promise<Error> {
  const [[holders] = []] = await session.run(
    `SELECT pg_catalog.string_agg(DISTINCT 'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', ''), ', ')
     FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     WHERE l.relation = ${regclass(name)} AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()`,
  );
  return transient(
    'LockTimeout',
    `${quoteName(name)} cannot be replaced while others use it: ${holders ?? 'other users that change'}`,
    {
      fix: 'end their transactions, or wait: Idra retries without blocking readers',
      cause,
    },
  );
}

/**
 * Replaces the target by its shadow within the open transaction. LIKE .. INCLUDING ALL has copied columns, defaults, constraints, indexes
 * and column comments. What it does not copy is recreated here from the definitions on the target: owner, grants, options, foreign keys,
 * triggers, views, names of indexes, sequences. replaceFindings refuses what cannot be recreated.
 */
export async function swapStatements(
  session: Session,
  name: TableName,
  shadow: string,
): Promise<readonly string[]> {
  const target = quoteName(name);
  const retired = quoteDouble(`${shadow.slice(shadow.lastIndexOf('.') + 2, -1)}_old`);
  const collect = async (sql: string) => (await session.run(sql)).flatMap(([text]) => (text ? [text] : []));
  const oid = `${literalText(target)}::regclass`;
  const after = await collect(restoreSql(oid, target));
  const sequences = await collect(sequenceSql(oid, literalText(shadow)));
  const indexes = await collect(indexSql(oid, `${literalText(shadow)}::regclass`, name.schema));
  await requireSafeViews(session, oid);
  const views = await collect(viewSql(oid));
  return [
    ...sequences,
    `ALTER TABLE ${target} RENAME TO ${retired}`,
    `ALTER TABLE ${shadow} RENAME TO ${quoteDouble(name.table)}`,
    ...views,
    `DROP TABLE ${quoteDouble(name.schema)}.${retired}`,
    ...indexes,
    ...after,
  ];
}

/** Statements about the new table, which has the target's name by then. Grants follow the owner, because they replace the owner's. */
function restoreSql(oid: string, target: string): string {
  const targetLiteral = literalText(target);
  const grantee = "CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END";
  const option = "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END";
  return `SELECT sql FROM (
    SELECT 1 AS nr, 'COMMENT ON TABLE ' || ${targetLiteral} || ' IS ' || coalesce(quote_literal(obj_description(${oid}, 'pg_class')), 'NULL') AS sql
    UNION ALL SELECT 2, 'ALTER TABLE ' || ${targetLiteral} || ' SET (' || array_to_string(reloptions, ', ') || ')'
      FROM pg_class WHERE oid = ${oid} AND reloptions IS NOT NULL
    UNION ALL SELECT 2, 'ALTER TABLE ' || ${targetLiteral} || ' REPLICA IDENTITY ' || CASE relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END
      FROM pg_class WHERE oid = ${oid} AND relreplident IN ('f', 'n')
    UNION ALL SELECT 3, 'ALTER TABLE ' || ${targetLiteral} || ' ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE conrelid = ${oid} AND contype = 'f'
    UNION ALL SELECT 4, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ${oid} AND NOT tgisinternal
    UNION ALL SELECT 5, 'ALTER TABLE ' || ${targetLiteral} || ' ' || CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END
      || ' TRIGGER ' || quote_ident(tgname) FROM pg_trigger WHERE tgrelid = ${oid} AND NOT tgisinternal AND tgenabled <> 'O'
    UNION ALL SELECT 6, 'ALTER TABLE ' || ${targetLiteral} || ' OWNER TO ' || quote_ident(pg_get_userbyid(relowner))
      FROM pg_class WHERE oid = ${oid} AND pg_get_userbyid(relowner) <> current_user
    UNION ALL SELECT 7, 'GRANT ' || a.privilege_type || ' ON ' || ${targetLiteral} || ' TO ' || ${grantee} || ${option}
      FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = ${oid} AND a.grantee <> c.relowner
    UNION ALL SELECT 7, 'GRANT ' || a.privilege_type || ' (' || quote_ident(t.attname) || ') ON ' || ${targetLiteral} || ' TO ' || ${grantee} || ${option}
      FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = ${oid} AND t.attnum > 0 AND NOT t.attisdropped
  ) AS statements ORDER BY nr, sql`;
}

/**
 * serial: the default of the new column reads the old column's sequence, which would be dropped with it. Identity: a new sequence that
 * continues from the old one.
 */
function sequenceSql(oid: string, shadow: string): string {
  return `SELECT CASE d.deptype
      WHEN 'a' THEN 'ALTER SEQUENCE ' || d.objid::regclass || ' OWNED BY ' || ${shadow} || '.' || quote_ident(a.attname)
      ELSE 'SELECT setval(pg_get_serial_sequence(' || quote_literal(${shadow}) || ', ' || quote_literal(a.attname)
        || '), last_value, is_called) FROM ' || d.objid::regclass END
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ${oid} AND d.deptype IN ('a', 'i')`;
}

/** Indexes of the shadow get the names of the indexes that they were copied from, matched by definition. */
function indexSql(oid: string, shadow: string, schema: string): string {
  const indexes = (
    of: string,
  ) => `SELECT c.relname, i.indisclustered, row_number() OVER (PARTITION BY k.definition ORDER BY c.relname) AS nr, k.definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    CROSS JOIN LATERAL (SELECT concat(i.indisunique, i.indisprimary, substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*')) AS definition) k
    WHERE i.indrelid = ${of}`;
  return `SELECT 'ALTER INDEX ' || quote_ident(${literalText(schema)}) || '.' || quote_ident(n.relname) || ' RENAME TO ' || quote_ident(o.relname)
    FROM (${indexes(oid)}) o JOIN (${indexes(shadow)}) n USING (definition, nr)`;
}

/** What would not survive a swap. */
export async function replaceFindings(
  session: Session,
  { oid, relation }: TableEntry,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const rows = await session.query(
    `SELECT 'is partitioned or takes part in inheritance', '' FROM pg_class c WHERE c.oid = ${oid}
      AND (c.relkind = 'p' OR c.relispartition OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid))
    UNION ALL SELECT 'is referenced by the foreign key ' || conname || ' of ' || conrelid::regclass, '' FROM pg_constraint WHERE confrelid = ${oid} AND contype = 'f'
    UNION ALL SELECT DISTINCT 'is read by the materialized view ' || v.oid::regclass, '' FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = ${oid} AND v.relkind = 'm'
    UNION ALL SELECT what, '' FROM (${unsafeViewsSql(oid)}) AS unsafe
    UNION ALL SELECT 'has the rule ' || rulename, '' FROM pg_rewrite WHERE ev_class = ${oid}
    UNION ALL SELECT 'has row security or the policy ' || coalesce(polname, ''), '' FROM pg_class c LEFT JOIN pg_policy ON polrelid = c.oid
      WHERE c.oid = ${oid} AND (c.relrowsecurity OR polname IS NOT NULL)
    UNION ALL SELECT 'is part of the publication ' || pubname, 'ALTER PUBLICATION ' || quote_ident(pubname) || ' ADD TABLE ' || ${oid}::regclass
      FROM pg_publication_rel pr JOIN pg_publication p ON p.oid = pr.prpubid WHERE pr.prrelid = ${oid}`,
    signal,
  );
  return rows.map(([what, statement]) =>
    statement
      ? {
          severity: 'warning' as const,
          code: 'NotKeptByReplace',
          path: 'spec.writeMode',
          message: `${relation.name} ${what}: the table that replaces it is not`,
          fix: `after each pass: ${statement}`,
        }
      : {
          severity: 'error' as const,
          code: 'NotKeptByReplace',
          path: 'spec.writeMode',
          message: `${relation.name} ${what}, which is lost when another table replaces it`,
          fix: 'use writeMode Upsert, or remove it',
        },
  );
}

/** Objects that depend on the rules of views that read the table. */
const viewsOf = (
  oid: string,
) => `pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ${oid} AND v.oid <> ${oid} AND v.relkind = 'v'`;

/** A view follows its table through a rename; recreated from its text it reads the new table. It keeps its owner, grants and dependents. */
function viewSql(oid: string): string {
  return `SELECT DISTINCT 'CREATE OR REPLACE VIEW ' || v.oid::regclass
      || coalesce(' WITH (' || array_to_string(v.reloptions, ', ') || ')', '') || ' AS ' || pg_get_viewdef(v.oid)
    FROM ${viewsOf(oid)}`;
}

/**
 * Anyone who may create in some schema may create a view of any table. When Idra's role recreates it, the server parses its text with
 * that role's rights, including constants: in an array, row or range of a domain the domain's checks run, which are functions of its
 * owner. Returns one row with the column `what` for each such view, unless the type belongs to a superuser or to this role.
 */
function unsafeViewsSql(oid: string): string {
  return `SELECT DISTINCT 'is read by the view ' || v.oid::regclass || ' of ' || quote_ident(pg_get_userbyid(v.relowner))
      || ', which has a value of the type ' || format_type(y.oid, NULL) || ' of ' || quote_ident(o.rolname) || ', whose checks would run with the rights of this user' AS what
    FROM pg_catalog.pg_type y JOIN pg_catalog.pg_roles o ON o.oid = y.typowner LEFT JOIN pg_catalog.pg_type e ON e.oid = y.typelem,
      LATERAL (SELECT v.oid, v.relowner, r.oid AS rule FROM ${viewsOf(oid)}) v
    WHERE EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.classid = 'pg_rewrite'::regclass AND u.objid = v.rule
        AND u.refclassid = 'pg_type'::regclass AND u.refobjid = y.oid)
      AND y.typnamespace <> 'pg_catalog'::regnamespace AND NOT o.rolsuper AND o.rolname <> current_user
      AND (y.typtype NOT IN ('b', 'e') OR e.typtype NOT IN ('b', 'e'))`;
}

/** Call within the transaction that holds the table's lock, so that nobody creates another view of it before the swap. */
async function requireSafeViews(session: Session, oid: string): Promise<void> {
  const [[what] = []] = await session.run(unsafeViewsSql(oid));
  if (!what) return;
  throw permanent('NotKeptByReplace', `the table to be replaced ${what}`, {
    path: 'spec.writeMode',
    fix: 'drop the view, or write it without constants of that type, or use writeMode Upsert',
  });
}
