import { permanent } from '../../../core/errors.ts';
import type { Session } from '../session.ts';

/** What hangs on the rules of views that read the table. */
const viewsOf = (
  oid: string,
) => `pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ${oid} AND v.oid <> ${oid} AND v.relkind = 'v'`;

/** A view follows its table through a rename: made again from its text it reads the new one. It keeps its owner, grants and dependents. */
export function viewSql(oid: string): string {
  return `SELECT DISTINCT 'CREATE OR REPLACE VIEW ' || v.oid::regclass
      || coalesce(' WITH (' || array_to_string(v.reloptions, ', ') || ')', '') || ' AS ' || pg_get_viewdef(v.oid)
    FROM ${viewsOf(oid)}`;
}

/**
 * Whoever may create in some schema may make a view of any table. Its text is read again with the rights of Idra's role, and the server
 * then reads the constants in it: in an array, a row or a range of a domain the checks of the domain run, which are functions of its owner.
 * One row with the column `what` for each such view, unless the type is a superuser's or of this role.
 */
export function unsafeViewsSql(oid: string): string {
  return `SELECT DISTINCT 'is read by the view ' || v.oid::regclass || ' of ' || quote_ident(pg_get_userbyid(v.relowner))
      || ', which has a value of the type ' || format_type(y.oid, NULL) || ' of ' || quote_ident(o.rolname) || ', whose checks would run with the rights of this user' AS what
    FROM pg_catalog.pg_type y JOIN pg_catalog.pg_roles o ON o.oid = y.typowner LEFT JOIN pg_catalog.pg_type e ON e.oid = y.typelem,
      LATERAL (SELECT v.oid, v.relowner, r.oid AS rule FROM ${viewsOf(oid)}) v
    WHERE EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.classid = 'pg_rewrite'::regclass AND u.objid = v.rule
        AND u.refclassid = 'pg_type'::regclass AND u.refobjid = y.oid)
      AND y.typnamespace <> 'pg_catalog'::regnamespace AND NOT o.rolsuper AND o.rolname <> current_user
      AND (y.typtype NOT IN ('b', 'e') OR e.typtype NOT IN ('b', 'e'))`;
}

/** Within the transaction that holds the table: nobody makes another view of it before it is swapped. */
export async function requireSafeViews(session: Session, oid: string): Promise<void> {
  const [[what] = []] = await session.run(unsafeViewsSql(oid));
  if (!what) return;
  throw permanent('NotKeptByReplace', `the table that is replaced ${what}`, {
    path: 'spec.writeMode',
    mend: 'drop the view, or write it without constants of that type, or use writeMode Upsert',
  });
}
