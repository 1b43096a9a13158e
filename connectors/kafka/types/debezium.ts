import { typedPayload } from './connect-types.ts';
import { timestampText } from './epoch-time.ts';
import { bigintOf, isList, isObject, type RecordNode, recordAccess } from './record-node.ts';

/** A change event of Debezium. */
export type Change =
  | { readonly kind: 'row'; readonly row: RecordNode; readonly envelope: Envelope }
  | { readonly kind: 'deletion'; readonly row: RecordNode; readonly envelope: Envelope }
  /** Not about a row: a heartbeat, or a message of the log. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable'; readonly reason: string };

export interface Envelope {
  readonly op: string;
  readonly before: RecordNode;
  readonly source: RecordNode;
  /** Canonical timestamp of the change at the database, if the event has it. */
  readonly changedAt: string | undefined;
}

/** In place of a large value that the change did not touch, and that the database therefore did not log. */
export const unavailableText = '__debezium_unavailable_value';
const unavailableBytes = Buffer.from(unavailableText);
/** As bytes in JSON without a schema, as a UUID, and as hstore in JSON. */
const unavailableTexts: readonly string[] = [
  unavailableText,
  unavailableBytes.toString('base64'),
  'b68a35a7-17ad-35b3-af2a-ae46edb4545a',
  JSON.stringify({ [unavailableText]: unavailableText }),
];

/** What an event says. `value`: with its types if it was Avro, or as JSON, with a schema beside its payload or without. */
export function changeOf(value: RecordNode): Change {
  const payload = payloadOf(value);
  if (payload === undefined) return unreadable('has a payload that is not of its schema');
  if (!isObject(payload)) return unreadable('is no change event of Debezium: it is not an object');
  const op = payload.get('op');
  if (typeof op !== 'string') {
    const isHeartbeat = payload.size === 1 && payload.has('ts_ms');
    return isHeartbeat ? { kind: 'nothing' } : unreadable('is no change event of Debezium: it has no op');
  }
  const [before, after] = [payload.get('before') ?? null, payload.get('after') ?? null];
  const source = payload.get('source') ?? null;
  const envelope = { op, before, source, changedAt: timeOf(source) ?? timeOf(payload) };
  switch (op) {
    case 'c':
    case 'r':
    case 'u':
      return isObject(after)
        ? { kind: 'row', row: after, envelope }
        : unreadable('has no row after the change');
    case 'd':
      return { kind: 'deletion', row: before, envelope };
    case 'm':
      return { kind: 'nothing' };
    case 't':
      return unreadable('reports that the table was emptied (op t), which rows cannot express');
    default:
      return unreadable('has an op that this version does not know');
  }
}

/** Undefined: it is not of its schema. JSON converters of Connect put the schema beside the payload. */
export function payloadOf(value: RecordNode): RecordNode | undefined {
  const hasSchema = isObject(value) && value.has('payload') && value.has('schema') && value.size === 2;
  return hasSchema ? typedPayload(value.get('schema'), value.get('payload') ?? null) : value;
}

/**
 * Whether a value was left out by the database. The placeholder of an array is an array with it as its only element, or one with its bytes as
 * numbers; that of hstore is a map of it.
 */
export function isUnavailable(node: RecordNode | undefined): boolean {
  if (node === undefined || node === null) return false;
  if (isObject(node)) return node.has(unavailableText);
  if (isList(node)) {
    const [only, ...more] = node;
    return more.length === 0 ? isUnavailable(only) : isBytesOfPlaceholder(node);
  }
  const value = recordAccess.read(node);
  if (value.kind === 'text' || value.kind === 'uuid') return unavailableTexts.includes(value.text);
  return value.kind === 'bytes' && value.bytes.equals(unavailableBytes);
}

function isBytesOfPlaceholder(items: readonly RecordNode[]): boolean {
  if (items.length !== unavailableBytes.length) return false;
  return items.every((each, index) => {
    const value = recordAccess.read(each);
    const number = 'value' in value ? Number(value.value) : 'text' in value ? Number(value.text) : Number.NaN;
    return number === unavailableBytes[index];
  });
}

function timeOf(node: RecordNode | undefined): string | undefined {
  const ms = isObject(node) ? bigintOf(node.get('ts_ms')) : undefined;
  return ms === undefined ? undefined : timestampText(ms, 'millis', true);
}

function unreadable(reason: string): Change {
  return { kind: 'unreadable', reason };
}
