import { createHash } from 'node:crypto';
import { describeError, IdraError, permanent } from '../../core/errors.ts';
import type { Request, RequestStatus, RequestType } from '../../core/status.ts';
import { requestAnnotation } from './objects.ts';

export const requestTypes: Readonly<Record<RequestType, true>> = {
  'run-now': true,
  restart: true,
  'keep-offset': true,
  offset: true,
  'undo-offset': true,
  replay: true,
  verify: true,
};

/** A request from an annotation, or the reason why it is invalid. */
export type ParsedRequest =
  | { readonly type: RequestType; readonly id: string; readonly request: Request }
  | { readonly type: RequestType; readonly id: string; readonly refusal: string };

/** All requests in the annotations of a Sync, one of each type. */
export function requestsIn(
  annotations: Readonly<Record<string, string>> | undefined,
): readonly ParsedRequest[] {
  return (Object.keys(requestTypes) as RequestType[]).flatMap((type) => {
    const value = annotations?.[requestAnnotation(type)];
    return value === undefined ? [] : [parseRequest(type, value)];
  });
}

/**
 * Parses the value of an annotation `idra.dev/REQUEST`: any text, which then is its id, or a JSON object with `id` and `by`, and for
 * `offset` with `value` and `expect`, whose default id is derived from the whole value; `undo-offset` may have them too.
 */
export function parseRequest(type: RequestType, value: string): ParsedRequest {
  const text = value.trim();
  let id = idOf(text);
  try {
    const fields = text.startsWith('{') ? parseFields(text) : {};
    id = fields.id === undefined ? id : idOf(fields.id);
    const by = fields.by ?? `annotation ${requestAnnotation(type)}`;
    const { value: offset, expect } = fields;
    const isPlain = type === 'undo-offset' && offset === undefined && expect === undefined;
    if (isPlain || (type !== 'offset' && type !== 'undo-offset'))
      return { type, id, request: { type, id, by } };
    if (offset === undefined || expect === undefined) throw notAnOffset('it has no "value" or no "expect"');
    return { type, id, request: { type, id, by, offset: { value: offset, expect } } };
  } catch (thrown) {
    if (!(thrown instanceof IdraError)) throw thrown;
    return { type, id, refusal: describeError(thrown) };
  }
}

/** The annotation value for this request; inverse of parseRequest. */
export function annotationOf({ id, by, offset }: Request): string {
  return JSON.stringify({ id, by, ...offset });
}

interface RequestFields {
  readonly id?: string;
  readonly by?: string;
  readonly value?: string;
  readonly expect?: string;
}

const known = ['id', 'by', 'value', 'expect'];

function parseFields(text: string): RequestFields {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw permanent('RequestInvalid', 'the annotation is not valid JSON', {
      fix: example,
      cause,
    });
  }
  const given = Object.entries(fields as object);
  const wrong = given.find(
    ([name, value]) => !known.includes(name) || (typeof value !== 'string' && typeof value !== 'number'),
  );
  if (wrong) {
    throw permanent(
      'RequestInvalid',
      `the annotation has a field ${wrong[0]} that is not known or is not text`,
      { fix: example },
    );
  }
  const texts = given.map(([name, value]) => [name, String(value)] as const);
  const long = texts.find(([name, value]) => name !== 'id' && value.length > (limits[name] ?? 0));
  if (long) {
    throw permanent(
      'RequestInvalid',
      `the annotation has a field ${long[0]} of more than ${limits[long[0]]} characters`,
      { fix: example },
    );
  }
  return Object.fromEntries(texts);
}

/** A request stays in etcd, which all namespaces share, until an agent executes it. A longer `id` is hashed. */
const limits: Readonly<Record<string, number>> = { by: 253, value: 4_096, expect: 4_096 };

const example =
  'write it as {"value": "41000", "expect": "42000"}; an "id" makes it a new request, "by" names the requester';

function notAnOffset(why: string): Error {
  return permanent('RequestInvalid', `the annotation has no valid offset: ${why}`, { fix: example });
}

const maxIdLength = 128;

/** The id becomes part of a key in etcd. */
function idOf(text: string): string {
  if (text.length <= maxIdLength && !text.startsWith('{') && text.isWellFormed()) return text;
  return `sha256-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

export function refused(asked: ParsedRequest, message: string, nowMs: number): RequestStatus {
  return { type: asked.type, id: asked.id, state: 'Refused', message, time: new Date(nowMs).toISOString() };
}

export const thereAtCreation =
  'the annotation already existed when the Sync was created or its status was lost, so it is not executed; to execute it, change its value';

/**
 * The last request of each type, from the agents' answers and the current status. The status also records which annotation value has been
 * accepted, so a request stays there as long as the annotation has its value.
 */
export function mergeRequests(
  known: readonly RequestStatus[],
  answered: readonly RequestStatus[],
  asked: readonly ParsedRequest[],
): readonly RequestStatus[] {
  const merged = (Object.keys(requestTypes) as RequestType[]).flatMap((type) => {
    const mine = known.find((each) => each.type === type);
    const theirs = answered.find((each) => each.type === type);
    const wanted = asked.find((each) => each.type === type);
    const isTaken = wanted !== undefined && mine?.id === wanted.id && theirs?.id !== wanted.id;
    return (isTaken ? mine : (theirs ?? mine)) ?? [];
  });
  return merged;
}
