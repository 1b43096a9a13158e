import type { IdraError } from '../../../core/errors.ts';
import { ofOwnStatement } from '../../sql/error-class.ts';
import { classify, errnoOf } from '../errors.ts';
import { accountText, grantOf } from './grant.ts';
import type { Result } from './statements.ts';

/** What is needed of a session. */
interface Refusing {
  readonly where: string;
  readonly isLost: boolean;
  readonly mayWrite: boolean;
  run(sql: string): Promise<readonly Result[]>;
}

/** The driver's error of a session; if a right is missing, with the statement that grants it. */
export async function refusalOf(session: Refusing, database: string, thrown: unknown): Promise<IdraError> {
  const error = session.mayWrite
    ? ofOwnStatement(classify(thrown, session.where))
    : classify(thrown, session.where);
  const errno = errnoOf(thrown);
  if (error.code !== 'PermissionDenied' || errno === undefined || session.isLost) return error;
  const { message, sql } = thrown as Error & { readonly sql?: string };
  const account = await accountOf(session).catch(() => undefined);
  const fix = account && grantOf({ errno, message, sql: sql ?? '' }, { database, account });
  return fix ? error.with({ fix }) : error;
}

/** The account that rights are granted to; the server's messages name the client's host. */
export async function accountOf(session: Pick<Refusing, 'run'>): Promise<string> {
  const [result] = await session.run('SELECT CURRENT_USER()');
  const [name = '', host = '%'] = String(result?.rows[0]?.[0]).split('@');
  return accountText(name, host);
}
