import { isUtf8 } from 'node:buffer';
import { AvroError, type AvroField, type AvroRecord, type AvroType, type Logical } from './avro-schema.ts';
import { meaningOf } from './connect-types.ts';
import { dateNode, decimalText, timeNode, timestampNode, type Unit } from './epoch-time.ts';
import { intNode, type RecordNode, TypedNode } from './record-node.ts';

/** Arrays of values that take no bytes, such as null, must end, too. */
const mostEmptyItems = 10_000;
const maxDepth = 200;

/** Reads Avro's binary encoding. Lengths and counts are compared with the bytes that are there (Invariant 13). */
export class AvroReader {
  readonly bytes: Buffer;
  #position: number;
  readonly #end: number;
  depth = 0;
  #emptyItems = 0;

  constructor(bytes: Buffer, from = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#position = from;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#position;
  }

  take(length: number): Buffer {
    const from = this.skip(length);
    return this.bytes.subarray(from, from + length);
  }

  skip(length: number): number {
    const from = this.#position;
    if (length < 0 || length > this.#end - from) throw new AvroError('the value is cut');
    this.#position = from + length;
    return from;
  }

  /** Of up to 32 bits, or a length: exact in a number. */
  small(): number {
    const value = this.long();
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new AvroError('a number is too large');
    return number;
  }

  long(): bigint {
    let [value, factor, position] = [0, 1, this.#position];
    for (let index = 0; index < 7; index++) {
      if (position >= this.#end) throw new AvroError('a number is cut');
      const byte = this.bytes[position++] as number;
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte >= 0x80) continue;
      this.#position = position;
      return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      if (position >= this.#end) throw new AvroError('a number is cut');
      const byte = this.bytes[position++] as number;
      large |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      this.#position = position;
      return BigInt.asIntN(64, (large >> 1n) ^ -(large & 1n));
    }
    throw new AvroError('a number of more than ten bytes');
  }

  text(): string {
    const length = this.small();
    const from = this.skip(length);
    const text = this.bytes.toString('utf8', from, from + length);
    // Bytes that are not UTF-8 would be replaced silently.
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(from, from + length)))
      throw new AvroError('a text that is not UTF-8');
    return text;
  }

  /** Calls `read` for each element of an array or map. */
  blocks(read: () => void): void {
    for (;;) {
      let count = this.small();
      if (count === 0) return;
      if (count < 0) {
        count = -count;
        this.small();
      }
      for (let index = 0; index < count; index++) {
        const before = this.left;
        read();
        if (this.left === before && ++this.#emptyItems > mostEmptyItems)
          throw new AvroError('an array of too many values without content');
      }
    }
  }
}

export type Decode = (reader: AvroReader) => RecordNode;

/**
 * How values that `writer` wrote are read by someone who knows `reader`: fields have the reader's names if those have the writer's as an
 * alias, and fields that only the reader has their default. Fields that only the writer has are kept, so that new ones are noticed.
 */
export function decoderOf(writer: AvroType, reader?: AvroType): Decode {
  return new Compiler().decoder(writer, reader);
}

class Compiler {
  readonly #known = new Map<AvroRecord, Map<AvroType | undefined, { decode: Decode }>>();

  decoder(writer: AvroType, reader: AvroType | undefined): Decode {
    switch (writer.kind) {
      case 'record':
        return this.#record(writer, matching(writer, reader));
      case 'enum':
        return (from) => symbolAt(writer.symbols, from.small());
      case 'fixed':
        return withMeaning(writer.logical, (from) => bytesNode(from.take(writer.size)));
      case 'array': {
        const decode = this.decoder(writer.items, within(reader, 'array', 'items'));
        return (from) => {
          const items: RecordNode[] = [];
          nested(from, () => from.blocks(() => void items.push(decode(from))));
          return items;
        };
      }
      case 'map': {
        const decode = this.decoder(writer.values, within(reader, 'map', 'values'));
        return (from) => {
          const fields = new Map<string, RecordNode>();
          nested(from, () => from.blocks(() => void fields.set(from.text(), decode(from))));
          return fields;
        };
      }
      case 'union': {
        const branches = writer.branches.map((each) => this.decoder(each, reader));
        return (from) => {
          const decode = branches[from.small()];
          if (!decode) throw new AvroError('a branch that the union does not have');
          return decode(from);
        };
      }
      default:
        return withMeaning(writer.logical, primitive[writer.kind]);
    }
  }

  #record(writer: AvroRecord, reader: AvroRecord | undefined): Decode {
    const byReader = this.#known.get(writer) ?? new Map();
    this.#known.set(writer, byReader);
    const known = byReader.get(reader);
    // A record that contains itself: its decoder exists when a value is read.
    if (known) return (from) => known.decode(from);
    const holder = { decode: (_from: AvroReader): RecordNode => null };
    byReader.set(reader, holder);
    const fields = writer.fields.map((field) => {
      const counterpart = reader?.fields.find(
        ({ name, aliases }) => name === field.name || aliases.includes(field.name),
      );
      const decode = this.decoder(field.type, counterpart?.type);
      return { name: counterpart?.name ?? field.name, decode };
    });
    const names = new Set(fields.map(({ name }) => name));
    const added = (reader?.fields ?? []).filter(
      (each) => !names.has(each.name) && each.default !== undefined,
    );
    const defaults = added.map((each): readonly [string, RecordNode] => [each.name, defaultOf(each)]);
    const decodeFields: Decode = (from) => {
      const values = new Map<string, RecordNode>();
      nested(from, () => {
        for (const { name, decode } of fields) values.set(name, decode(from));
      });
      for (const [name, value] of defaults) values.set(name, value);
      return values;
    };
    holder.decode = withMeaning(writer.logical, decodeFields);
    return holder.decode;
  }
}

function nested(from: AvroReader, read: () => void): void {
  if (from.depth >= maxDepth) throw new AvroError('too many values within each other');
  from.depth += 1;
  read();
  from.depth -= 1;
}

/** The record of the reader that a record of the writer becomes. */
function matching(writer: AvroRecord, reader: AvroType | undefined): AvroRecord | undefined {
  if (reader?.kind === 'record') return reader;
  if (reader?.kind !== 'union') return undefined;
  const records = reader.branches.filter((each) => each.kind === 'record');
  return records.find((each) => each.name === writer.name) ?? records[0];
}

function within(
  reader: AvroType | undefined,
  kind: 'array' | 'map',
  part: 'items' | 'values',
): AvroType | undefined {
  const found = reader?.kind === 'union' ? reader.branches.find((each) => each.kind === kind) : reader;
  return found?.kind === kind ? (found as unknown as Record<string, AvroType>)[part] : undefined;
}

/** With the meaning of its type: in a union that of the branch to which its JSON belongs. */
function defaultOf({ default: value, type }: AvroField): RecordNode {
  const branches = type.kind === 'union' ? type.branches : [type];
  const of = branches.find((each) => (each.kind === 'null') === (value === null)) ?? type;
  const isLossy = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  // JSON of schemas is parsed with the numbers of JavaScript.
  if (isLossy && of.kind === 'long') return new TypedNode({ kind: 'other', name: 'default beyond 2^53' });
  const node = plainNode(value, of);
  const logical = 'logical' in of ? of.logical : undefined;
  return withMeaning(logical, () => node)(undefined as never);
}

/** A default as JSON has it; bytes are a text of Latin-1 there. */
function plainNode(value: unknown, type: AvroType): RecordNode {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? value : new TypedNode({ kind: 'float', value });
  if (typeof value === 'string') {
    const first = type.kind === 'union' ? type.branches[0] : type;
    const isBytes = first?.kind === 'bytes' || first?.kind === 'fixed';
    return isBytes ? bytesNode(Buffer.from(value, 'latin1')) : value;
  }
  if (Array.isArray(value)) return value.map((each) => plainNode(each, { kind: 'null' }));
  const fields = Object.entries(value as object);
  return new Map(fields.map(([name, each]) => [name, plainNode(each, { kind: 'null' })]));
}

const bytesNode = (bytes: Buffer) => new TypedNode({ kind: 'bytes', bytes });
const floatNode = (value: number) => new TypedNode({ kind: 'float', value });

function symbolAt(symbols: readonly string[], index: number): string {
  const symbol = symbols[index];
  if (symbol === undefined) throw new AvroError('a symbol that the enum does not have');
  return symbol;
}

const primitive: Readonly<Record<Exclude<AvroType['kind'], Complex>, Decode>> = {
  null: () => null,
  boolean: (from) => (from.bytes[from.skip(1)] as number) !== 0,
  int: (from) => from.small(),
  long: (from) => intNode(from.long()),
  float: (from) => floatNode(from.bytes.readFloatLE(from.skip(4))),
  double: (from) => floatNode(from.bytes.readDoubleLE(from.skip(8))),
  bytes: (from) => bytesNode(from.take(from.small())),
  string: (from) => from.text(),
};
type Complex = 'fixed' | 'enum' | 'array' | 'map' | 'union' | 'record';

/** Values that are not of their logical type are those of the type below, as Avro says. */
function withMeaning(logical: Logical | undefined, decode: Decode): Decode {
  if (!logical) return decode;
  const { name, parameters } = logical;
  if (name.includes('.'))
    return (from) => {
      const node = decode(from);
      return meaningOf(name, node, parameters) ?? node;
    };
  const meaning = logicalTypes(name, parameters);
  if (!meaning) return decode;
  return (from) => {
    const node = decode(from);
    return meaning(node) ?? node;
  };
}

type Meaning = (node: RecordNode) => RecordNode | undefined;

function logicalTypes(name: string, { scale = '0' }: Readonly<Record<string, string>>): Meaning | undefined {
  const [, isLocal, what = '', unit = ''] =
    /^(local-)?(timestamp|time)-(millis|micros|nanos)$/.exec(name) ?? [];
  if (what === 'timestamp')
    return counted((value) => timestampNode(value, unit as Unit, isLocal === undefined));
  if (what === 'time' && isLocal === undefined) return counted((value) => timeNode(value, unit as Unit));
  switch (name) {
    case 'date':
      return counted(dateNode);
    case 'decimal':
      return (node) => {
        const bytes = node instanceof TypedNode && node.value.kind === 'bytes' ? node.value.bytes : undefined;
        const text = bytes && decimalText(bytes, Number(scale));
        return text === undefined ? undefined : new TypedNode({ kind: 'decimal', text });
      };
    case 'uuid':
      return uuidNode;
    default:
      return undefined;
  }
}

function counted(make: (value: bigint) => TypedNode | undefined): Meaning {
  return (node) => {
    const isInt = typeof node === 'number' && Number.isInteger(node);
    if (isInt) return make(BigInt(node));
    return typeof node === 'object' && node !== null && 'text' in node ? make(BigInt(node.text)) : undefined;
  };
}

function uuidNode(node: RecordNode): RecordNode | undefined {
  const isBytes = node instanceof TypedNode && node.value.kind === 'bytes' && node.value.bytes.length === 16;
  const hex = isBytes && node.value.kind === 'bytes' ? node.value.bytes.toString('hex') : undefined;
  const text = hex?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') ?? node;
  const isUuid = typeof text === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
  return isUuid ? new TypedNode({ kind: 'uuid', text: text.toLowerCase() }) : undefined;
}
