/**
 * Whoever may create functions and operators in a schema on a session's search path can make its statements call them, with the rights of
 * its role (CVE-2018-1058). Idra's statements use only pg_catalog. pg_temp is listed because otherwise it comes first for tables and
 * types.
 */
const own = 'search_path = pg_catalog, pg_temp';
/** The search path set at login: by parameters.search_path, the role or the database. */
const users = 'search_path TO DEFAULT';

/** The first statement of a session, before any that names a function or an operator. */
export const useCatalogPath = `SET ${own}`;

/**
 * Use within a transaction. Names in the text of `source.query` are resolved as for its author. User-defined functions called while
 * reading or writing rows (triggers, views, policies) use pg_catalog too, as when a subscription writes rows, unless the DataSource
 * itself sets parameters.search_path.
 */
export const useOwnPath = `SET LOCAL ${own}`;
export const useUsersPath = `SET LOCAL ${users}`;

/** Whose search path applies; for a query, that of its author. */
export type Names = 'own' | 'users';

/** For writing rows, within a transaction: no name in the statement itself is looked up on a path. */
export function writing(sql: string, names: Names): string {
  return names === 'own' ? sql : `${useUsersPath}; ${sql}; ${useOwnPath}`;
}

/** Deferred triggers fire at COMMIT. */
export function commitOf(names: Names): string {
  return names === 'own' ? 'COMMIT' : `${useUsersPath}; COMMIT`;
}

/** A login option, so that DEFAULT and RESET ALL refer to it. */
export function pathOption(path: string): string {
  return `-c search_path=${path.replaceAll(/[\\\s]/g, '\\$&')}`;
}
