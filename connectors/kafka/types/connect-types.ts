import { dateNode, decimalText, timeNode, timestampNode } from './epoch-time.ts';
import { bigintOf, isObject, type RecordNode, recordAccess, TypedNode } from './record-node.ts';

/** Parameters of a type, such as the scale of a decimal. */
export type TypeParameters = Readonly<Record<string, string>>;

/** A value of a type of Connect or Debezium; undefined: it is not one. */
type Meaning = (node: RecordNode, parameters: TypeParameters) => RecordNode | undefined;

const count =
  (make: (value: bigint) => TypedNode | undefined): Meaning =>
  (node) => {
    const value = bigintOf(node);
    return value === undefined ? undefined : make(value);
  };

const date = count(dateNode);
const timestampMillis = count((value) => timestampNode(value, 'millis', false));

/**
 * By the name that Kafka Connect gives to a type. Debezium counts times in days, milliseconds, microseconds or nanoseconds, and its
 * timestamps without zone as if they were in UTC.
 */
const meanings: Readonly<Record<string, Meaning>> = {
  'org.apache.kafka.connect.data.Decimal': (node, { scale = '0' }) => decimal(node, Number(scale)),
  'org.apache.kafka.connect.data.Date': date,
  'org.apache.kafka.connect.data.Time': count((value) => timeNode(value, 'millis')),
  'org.apache.kafka.connect.data.Timestamp': timestampMillis,
  'io.debezium.time.Date': date,
  'io.debezium.time.Time': count((value) => timeNode(value, 'millis')),
  'io.debezium.time.MicroTime': count((value) => timeNode(value, 'micros')),
  'io.debezium.time.NanoTime': count((value) => timeNode(value, 'nanos')),
  'io.debezium.time.Timestamp': timestampMillis,
  'io.debezium.time.MicroTimestamp': count((value) => timestampNode(value, 'micros', false)),
  'io.debezium.time.NanoTimestamp': count((value) => timestampNode(value, 'nanos', false)),
  'io.debezium.time.Year': (node) => node,
  'io.debezium.data.Json': (node) => node,
  'io.debezium.data.Uuid': (node) => node,
  'io.debezium.data.VariableScaleDecimal': (node) => {
    const scale = isObject(node) ? bigintOf(node.get('scale')) : undefined;
    const value = isObject(node) ? node.get('value') : undefined;
    return scale === undefined || value === undefined ? undefined : decimal(value, Number(scale));
  },
};

/** Undefined: the value is not of this type. Types that are not known have the values of what they are based on. */
export function meaningOf(
  name: string | undefined,
  node: RecordNode,
  parameters: TypeParameters = {},
): RecordNode | undefined {
  const meaning = name !== undefined && Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  return node === null || meaning === undefined ? node : meaning(node, parameters);
}

function decimal(node: RecordNode, scale: number): RecordNode | undefined {
  const bytes = bytesOf(node);
  const text = bytes && decimalText(bytes, scale);
  return text === undefined ? undefined : new TypedNode({ kind: 'decimal', text });
}

/** JSON has bytes as base64. */
export function bytesOf(node: RecordNode): Buffer | undefined {
  const value = recordAccess.read(node);
  if (value.kind === 'bytes') return value.bytes;
  if (value.kind !== 'text') return undefined;
  const bytes = Buffer.from(value.text, 'base64');
  return bytes.toString('base64') === value.text ? bytes : undefined;
}

const maxDepth = 100;

/** A Connect schema as JSON has it beside its payload. */
export type ConnectSchema = ReadonlyMap<string, RecordNode>;

/** The payload with the types of its schema; undefined: it does not have them. */
export function typedPayload(
  schema: RecordNode | undefined,
  node: RecordNode,
  depth = 0,
): RecordNode | undefined {
  if (node === null || !isObject(schema) || depth > maxDepth) return node;
  const typed = typedByBase(schema, node, depth);
  const name = schema.get('name');
  return typed === undefined || typeof name !== 'string'
    ? typed
    : meaningOf(name, typed, parametersOf(schema.get('parameters')));
}

function typedByBase(schema: ConnectSchema, node: RecordNode, depth: number): RecordNode | undefined {
  switch (schema.get('type')) {
    case 'bytes': {
      const bytes = bytesOf(node);
      return bytes && new TypedNode({ kind: 'bytes', bytes });
    }
    case 'float':
    case 'double': {
      const { kind, ...number } = recordAccess.read(node);
      if (kind !== 'int' && kind !== 'decimal') return undefined;
      const value = Number('value' in number ? number.value : 'text' in number ? number.text : Number.NaN);
      return new TypedNode({ kind: 'float', value });
    }
    case 'struct':
      return isObject(node) ? typedFields(schema.get('fields'), node, depth) : undefined;
    case 'array': {
      if (!Array.isArray(node)) return undefined;
      const items = node.map((each: RecordNode) => typedPayload(schema.get('items'), each, depth + 1));
      return items.includes(undefined) ? undefined : (items as RecordNode[]);
    }
    default:
      return node;
  }
}

function typedFields(
  fields: RecordNode | undefined,
  node: ReadonlyMap<string, RecordNode>,
  depth: number,
): RecordNode | undefined {
  const typed = new Map(node);
  for (const field of Array.isArray(fields) ? (fields as readonly RecordNode[]) : []) {
    const name = isObject(field) ? field.get('field') : undefined;
    const value = typeof name === 'string' ? node.get(name) : undefined;
    if (typeof name !== 'string' || value === undefined) continue;
    const meant = typedPayload(field, value, depth + 1);
    if (meant === undefined) return undefined;
    typed.set(name, meant);
  }
  return typed;
}

function parametersOf(node: RecordNode | undefined): TypeParameters {
  if (!isObject(node)) return {};
  return Object.fromEntries([...node].map(([name, value]) => [name, String(value)]));
}
