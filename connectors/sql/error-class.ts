import type { ErrorClass } from '../../core/error-class.ts';
import type { IdraError } from '../../core/errors.ts';

/** The server refuses the text of a statement. Idra's own are fixed, so what is read is at fault: source.query, or a view. */
export const queryInvalid = {
  code: 'QueryInvalid',
  disposition: 'permanent',
  path: 'spec.source.query',
  fix: 'correct the query',
} as const satisfies ErrorClass;

/** While writing there is no query: the statement was one of Idra's own. A refusal names its end, so that no right is granted at the other. */
export function ofOwnStatement(error: IdraError): IdraError {
  if (error.code === 'QueryInvalid') return error.with({ path: undefined, fix: undefined });
  if (error.code !== 'PermissionDenied' || error.path !== undefined) return error;
  return error.with({ path: 'spec.destination.dataSource' });
}

export const raisedByTrigger = {
  code: 'RaisedByTrigger',
  disposition: 'permanent',
  text: 'a trigger or function of the database has refused it',
  fix: "the server's log has the text of the error; correct the rows, or the trigger",
} as const satisfies ErrorClass;
