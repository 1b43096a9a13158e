import { quoteBacktick } from '../../sql/names.ts';
import { quoteForGrant } from '../names.ts';
import { literalText } from '../types/literals.ts';

/** A refusal as the driver reports it. */
export interface Refusal {
  readonly errno: number;
  readonly message: string;
  /** The refused statements. */
  readonly sql: string;
}

/** What a statement is to be granted on, and to whom. */
interface Grantee {
  /** Database of tables without one. */
  readonly database: string;
  /** Quoted: `'idra'@'%'`. */
  readonly account: string;
}

/** A server's message has 512 bytes at most. What reads it would take very long for another one. */
const longestMessage = 1_024;

/**
 * The statement that grants what was refused. The server names right and object only in its message text; undefined if the text has
 * another form or language, and nothing depends on it.
 */
export function grantOf(
  { errno, message, sql }: Refusal,
  { database, account }: Grantee,
): string | undefined {
  if (message.length > longestMessage) return undefined;
  const [, right] = /^([A-Za-z][A-Za-z ,]*) command denied to user/.exec(message) ?? [];
  switch (errno) {
    case 1142:
    case 1143: {
      const table = tableIn(message, sql, database);
      return right && table && `GRANT ${right.toUpperCase()} ON ${table} TO ${account}`;
    }
    case 1227: {
      const [, rights = ''] = /one of\) the ([A-Za-z ,_]+) privilege/.exec(message) ?? [];
      const wanted = rights.split(',').map((each) => each.trim());
      const least = wanted.find((each) => each !== 'SUPER') ?? wanted[0];
      return least && `GRANT ${least} ON *.* TO ${account}`;
    }
    case 1370: {
      const [, schema] = /for routine '(.+)\.[^.]+'$/.exec(message) ?? [];
      return right && schema && `GRANT EXECUTE ON ${quoteForGrant(schema)}.* TO ${account}`;
    }
    default:
      return undefined;
  }
}

/** Of error 1044, whose message names the account itself; also at login. What else a destination needs is reported by its check. */
export function databaseGrant(message: string): string | undefined {
  if (message.length > longestMessage) return undefined;
  const [, user, host, database] = /for user '(.*)'@'(.*)' to database '(.*)'$/.exec(message) ?? [];
  if (user === undefined || host === undefined || database === undefined) return undefined;
  return `check the name of the database, or GRANT SELECT ON ${quoteForGrant(database)}.* TO ${accountText(user, host)}`;
}

export function accountText(user: string, host: string): string {
  return `${literalText(user)}@${literalText(host)}`;
}

/** Quoted. MariaDB names the database of the table; for MySQL it is in the statement, where Idra writes it. */
function tableIn(message: string, sql: string, database: string): string | undefined {
  const [, qualified] = /table (`(?:[^`]|``)+`\.`(?:[^`]|``)+`)$/.exec(message) ?? [];
  if (qualified !== undefined) return qualified;
  const [, table] = /table '(.+)'$/.exec(message) ?? [];
  if (table === undefined) return undefined;
  const quoted = quoteBacktick(table);
  const before = sql.slice(0, Math.max(0, sql.indexOf(`.${quoted}`)));
  const [schema] = /`(?:[^`]|``)+`$/.exec(before) ?? [];
  return `${schema ?? quoteBacktick(database)}.${quoted}`;
}
