/** Schemas of Avro 1.11, as a registry stores them. */
export type AvroType =
  | Primitive
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number; readonly logical?: Logical }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord;

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
type PrimitiveName = (typeof primitives)[number];
export interface Primitive {
  readonly kind: PrimitiveName;
  readonly logical?: Logical;
}

/** What a value means: `decimal` of Avro, or a type of Connect or Debezium (`connect.name`). */
export interface Logical {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface AvroRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly logical?: Logical;
  /** Filled after the record is known by its name, because a record may contain itself. */
  readonly fields: AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly aliases: readonly string[];
  /** JSON; undefined: none. */
  readonly default?: unknown;
}

export class AvroError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AvroError';
  }
}

const maxDepth = 64;
const maxTypes = 50_000;
const maxFixedBytes = 1 << 20;

/** Parses a schema. `named`: types of schemas that this one refers to; those of this schema are added. Throws AvroError. */
export function parseAvro(text: string, named: Map<string, AvroType> = new Map()): AvroType {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AvroError('the schema is not JSON');
  }
  return new Parser(named).type(json, '', 0);
}

type JsonObject = Readonly<Record<string, unknown>>;

class Parser {
  readonly #named: Map<string, AvroType>;
  #count = 0;

  constructor(named: Map<string, AvroType>) {
    this.#named = named;
  }

  type(json: unknown, namespace: string, depth: number): AvroType {
    this.#count += 1;
    if (depth > maxDepth || this.#count > maxTypes) throw new AvroError('the schema is too large');
    if (typeof json === 'string') return this.#byName(json, namespace);
    if (Array.isArray(json)) {
      if (json.length === 0) throw new AvroError('a union without branches');
      return { kind: 'union', branches: json.map((each) => this.type(each, namespace, depth + 1)) };
    }
    if (typeof json !== 'object' || json === null) throw new AvroError('a type that is not one');
    return this.#object(json as JsonObject, namespace, depth);
  }

  #byName(name: string, namespace: string): AvroType {
    const primitive = primitives.find((each) => each === name);
    if (primitive) return { kind: primitive };
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (!found) throw new AvroError(`the type ${name.slice(0, 200)} is not defined`);
    return found;
  }

  #object(json: JsonObject, namespace: string, depth: number): AvroType {
    const logical = logicalOf(json);
    const more = logical && { logical };
    switch (json.type) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      case 'enum': {
        const name = nameOf(json, namespace);
        return this.#define({ kind: 'enum', name, symbols: textsOf(json.symbols) });
      }
      case 'fixed': {
        const { size } = json;
        if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > maxFixedBytes)
          throw new AvroError('a fixed type without a size');
        return this.#define({ kind: 'fixed', name: nameOf(json, namespace), size, ...more });
      }
      case 'array':
        return { kind: 'array', items: this.type(json.items, namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.type(json.values, namespace, depth + 1) };
      default: {
        const base = this.type(json.type, namespace, depth + 1);
        return more && 'symbols' in base === false && isPrimitive(base) ? { ...base, ...more } : base;
      }
    }
  }

  #record(json: JsonObject, outer: string, depth: number): AvroType {
    const name = nameOf(json, outer);
    const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
    const logical = logicalOf(json);
    const record: AvroRecord = { kind: 'record', name, fields: [], ...(logical && { logical }) };
    this.#define(record);
    if (!Array.isArray(json.fields)) throw new AvroError(`the record ${name} has no fields`);
    for (const field of json.fields as readonly unknown[]) {
      if (typeof field !== 'object' || field === null) throw new AvroError(`a field of ${name} is not one`);
      const { name: fieldName, type, aliases, ...more } = field as JsonObject;
      if (typeof fieldName !== 'string') throw new AvroError(`a field of ${name} has no name`);
      record.fields.push({
        name: fieldName,
        type: this.type(type, namespace, depth + 1),
        aliases: aliases === undefined ? [] : textsOf(aliases),
        ...('default' in more && { default: more.default }),
      });
    }
    return record;
  }

  #define<T extends AvroType & { readonly name: string }>(type: T): T {
    this.#named.set(type.name, type);
    return type;
  }
}

function isPrimitive(type: AvroType): type is Primitive {
  return primitives.some((each) => each === type.kind);
}

function nameOf({ name, namespace }: JsonObject, outer: string): string {
  if (typeof name !== 'string' || name === '') throw new AvroError('a type without a name');
  return fullName(name, typeof namespace === 'string' ? namespace : outer);
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new AvroError('a list of names that is not one');
}

/** A type of Connect is more exact than the type of Avro beside it. */
function logicalOf(json: JsonObject): Logical | undefined {
  const connect = json['connect.name'];
  const name = typeof connect === 'string' ? connect : json.logicalType;
  if (typeof name !== 'string') return undefined;
  const given = json['connect.parameters'];
  const own = { scale: json.scale, precision: json.precision };
  const all = { ...own, ...(typeof given === 'object' && given !== null ? given : {}) };
  const texts = Object.entries(all).filter(([, value]) => ['string', 'number'].includes(typeof value));
  return { name, parameters: Object.fromEntries(texts.map(([key, value]) => [key, String(value)])) };
}
