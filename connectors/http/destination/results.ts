import { permanent, transient } from '../../../core/errors.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import { type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import { isTransientStatus } from '../errors.ts';
import { isNothing, valueAt } from '../source/paging.ts';

/** For each row of a call why it was not stored; undefined: it was. `refused`: the answer has an error about the whole call. */
export type Outcomes = readonly (string | undefined)[] | 'refused';

/** What an answer with a status of success says about the rows of its call. Throws if they can be sent again. */
export function resultsOf(
  body: Buffer,
  rowCount: number,
  { errorPath, results }: DestinationObject,
  where: string,
): Outcomes {
  const answer = parsed(body, where);
  if (errorPath !== undefined && !isNothing(valueAt(answer, errorPath))) return 'refused';
  if (!results) return Array.from({ length: rowCount }, () => undefined);
  const list = [...jsonAccess.items(valueAt(answer, results.path) ?? null)];
  if (list.length === rowCount) return list.map((result) => outcomeOf(result, results, where));
  throw permanent(
    'AnswerInvalid',
    `${where}: the answer has ${list.length} results at ${results.path} for ${rowCount} rows`,
    {
      path: 'spec.destination.results.path',
      fix: 'name the list that has one result for each row, in their order',
    },
  );
}

function outcomeOf(
  result: JsonValue,
  { errorPath, statusPath }: NonNullable<DestinationObject['results']>,
  where: string,
): string | undefined {
  const status = statusPath === undefined ? undefined : Number(textOf(valueAt(result, statusPath)));
  if (status !== undefined && isTransientStatus(status)) {
    throw transient('ServerFailed', `${where}: the API answers ${status} for a row`, {
      path: 'spec.destination.path',
      fix: 'nothing if it is temporary: the rows are sent again',
    });
  }
  if (status !== undefined && !(status >= 200 && status < 300)) return `the API answers ${status} for it`;
  const hasError = errorPath !== undefined && !isNothing(valueAt(result, errorPath));
  return hasError ? 'the API answers an error for it' : undefined;
}

/** RFC 4918: the answer has a status for each part, and some of them may be failures. */
export function resultsUnread(where: string): Error {
  return permanent('AnswerInvalid', `${where}: the API answers 207: which rows it stored is in its answer`, {
    path: 'spec.destination.results',
    fix: 'set results to the list in the answer that has one result for each row, or errorPath to where it has an error',
  });
}

/** Many APIs answer nothing to a write that has succeeded. An answer that is not JSON may be one of a proxy, or an error that is cut. */
function parsed(body: Buffer, where: string): JsonValue {
  if (body.length === 0) return null;
  try {
    return parseJson(body.toString('utf8'));
  } catch {
    throw permanent(
      'AnswerInvalid',
      `${where}: the answer is not JSON, so whether it has an error is not known`,
      {
        path: 'spec.destination.errorPath',
        fix: 'check that the path is that of an API which answers in JSON; remove errorPath and results if it does not',
      },
    );
  }
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined ? '' : String(jsonAccess.json(value)).replaceAll('"', '');
}
