import { isUtf8 } from 'node:buffer';
import { JsonError, parseJson } from '../../../core/records/json-parser.ts';
import type { SchemaRegistry } from '../connection/schema-registry.ts';
import { AvroReader, type Decode, decoderOf } from './avro-decode.ts';
import { AvroError, type AvroType } from './avro-schema.ts';
import { isList, isObject, type RecordNode } from './record-node.ts';

/** Bytes that are not of the format. The reason has no data of them, and completes `the record ...`. */
export class Unreadable {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** How keys and values of messages are written. */
export interface MessageFormat {
  readonly name: 'JSON' | 'Avro';
  value(bytes: Buffer): RecordNode | Unreadable;
  /** A key may also be plain text. */
  key(bytes: Buffer): RecordNode | Unreadable;
  /** Fetches what decoding these bytes needs; undefined: nothing. Omitted if decoding never needs anything. */
  prepare?(bytes: Buffer | null, signal: AbortSignal): Promise<void> | undefined;
}

export const jsonFormat: MessageFormat = {
  name: 'JSON',
  value(bytes) {
    const node = jsonOf(bytes);
    return node === undefined ? new Unreadable('is not UTF-8') : node;
  },
  key(bytes) {
    const node = jsonOf(bytes);
    if (node === undefined) return new Unreadable('has a key that is not UTF-8');
    return node instanceof Unreadable || !(isObject(node) || isList(node)) ? plainKey(bytes, node) : node;
  },
};

/** Numbers in binary, and keys that begin with the number of a schema, have bytes that no text has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
const binary = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** A text of its own, or a scalar of JSON: none of JSON's serializers writes space around one, so a key with space is a text. */
function plainKey(bytes: Buffer, node: RecordNode | Unreadable): RecordNode | Unreadable {
  const text = bytes.toString('utf8');
  if (binary.test(text)) return new Unreadable('has a key that is neither JSON nor a text');
  return node instanceof Unreadable || text.trim() !== text ? text : node;
}

/** Undefined: not UTF-8. */
function jsonOf(bytes: Buffer): RecordNode | Unreadable | undefined {
  if (!isUtf8(bytes)) return undefined;
  try {
    return parseJson(bytes.toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof JsonError) return new Unreadable(`is not JSON: ${thrown.message}`);
    throw thrown;
  }
}

/** A zero, and the number of the schema that wrote the message. */
const prefixBytes = 5;

export class AvroFormat implements MessageFormat {
  readonly name = 'Avro';
  readonly #registry: SchemaRegistry;
  /** The latest schema of the values when the source was opened. */
  readonly #reader: AvroType | undefined;
  /** Of values and of keys, by the schema that wrote them: each as long as the registry keeps the schema. */
  readonly #ofValues = new WeakMap<AvroType, Decode>();
  readonly #ofKeys = new WeakMap<AvroType, Decode>();

  constructor(registry: SchemaRegistry, reader: AvroType | undefined) {
    this.#registry = registry;
    this.#reader = reader;
  }

  value(bytes: Buffer): RecordNode | Unreadable {
    return this.#decode(bytes, this.#ofValues, this.#reader);
  }

  key(bytes: Buffer): RecordNode | Unreadable {
    const isAvro = bytes.length >= prefixBytes && bytes[0] === 0;
    return isAvro ? this.#decode(bytes, this.#ofKeys) : jsonFormat.key(bytes);
  }

  prepare(bytes: Buffer | null, signal: AbortSignal): Promise<void> | undefined {
    const id = bytes === null ? undefined : idOf(bytes);
    if (id === undefined || this.#registry.known(id) !== undefined) return undefined;
    return this.#registry.byId(id, signal).then(() => {});
  }

  #decode(bytes: Buffer, decoders: WeakMap<AvroType, Decode>, reader?: AvroType): RecordNode | Unreadable {
    const id = idOf(bytes);
    if (id === undefined) return new Unreadable('does not begin with the number of a schema');
    const writer = this.#registry.known(id);
    if (writer === undefined) return new Unreadable(`has the schema ${id}, which was not fetched`);
    if (typeof writer === 'string') return new Unreadable(`cannot be decoded: ${writer}`);
    const decode = decoders.get(writer) ?? decoderOf(writer, reader);
    decoders.set(writer, decode);
    const from = new AvroReader(bytes, prefixBytes);
    try {
      const node = decode(from);
      return from.left === 0 ? node : new Unreadable(`has ${from.left} bytes behind its value`);
    } catch (thrown) {
      if (thrown instanceof AvroError) return new Unreadable(`is not of its schema ${id}: ${thrown.message}`);
      throw thrown;
    }
  }
}

function idOf(bytes: Buffer): number | undefined {
  return bytes.length >= prefixBytes && bytes[0] === 0 ? bytes.readInt32BE(1) : undefined;
}
