/**
 * Whoever may create functions and operators in a schema that a session looks in can make its statements call them, with the rights of
 * its role (CVE-2018-1058). Statements of Idra look in pg_catalog alone; pg_temp is named, or else it comes first for tables and types.
 */
const own = 'search_path = pg_catalog, pg_temp';
/** The path that the session was given at its login: by parameters.search_path, the role or the database. */
const users = 'search_path TO DEFAULT';

/** The first statement of a session, before any that names a function or an operator. */
export const lookInCatalog = `SET ${own}`;

/**
 * Within a transaction. Names in the text of `source.query` are those of its author. The functions of users that reading and writing
 * rows calls (of triggers, views, policies) look in pg_catalog too, as when a subscription writes rows, but where the DataSource itself
 * has parameters.search_path.
 */
export const useOwnPath = `SET LOCAL ${own}`;
export const useUsersPath = `SET LOCAL ${users}`;

/** Whose names are in force: of a query those of its author. */
export type Names = 'own' | 'users';

/** Rows that are written, within a transaction: nothing in the statement itself is looked for by a path. */
export function writing(sql: string, names: Names): string {
  return names === 'own' ? sql : `${useUsersPath}; ${sql}; ${useOwnPath}`;
}

/** Deferred triggers fire with it. */
export function commitOf(names: Names): string {
  return names === 'own' ? 'COMMIT' : `${useUsersPath}; COMMIT`;
}

/** As an option of the login, so that it is what DEFAULT means, and what RESET ALL leaves. */
export function pathOption(path: string): string {
  return `-c search_path=${path.replaceAll(/[\\\s]/g, '\\$&')}`;
}
