import type { ColumnType } from '../values.ts';
import { decimalDigits, reduced } from './decimal-text.ts';
import type { NodeAccess, NodeValue } from './node.ts';
import { formatPath } from './path.ts';
import type { RecordColumn } from './record-column.ts';
import { formatType } from './type-text.ts';

/** Default of `source.sample`. */
export const defaultSample = 1_000;
/** Records whose field names are data (a name for each customer) have no columns that could be inferred. */
export const mostFields = 1_000;

/**
 * Collects the top-level fields of records, and gives each the narrowest type that keeps every value exactly: whole numbers int64, with decimals decimal,
 * objects and arrays json, and json for values that have no common type. A sample does not prove that a field is always there, so every
 * column is nullable; the connector makes those of its key NOT NULL.
 */
export class Inference<N> {
  readonly #access: NodeAccess<N>;
  readonly #fields = new Map<string, FieldTypes>();
  #hasTooMany = false;

  constructor(access: NodeAccess<N>) {
    this.#access = access;
  }

  /** More than `mostFields` different fields: take the whole record as one json column, or name columns. */
  get hasTooManyFields(): boolean {
    return this.#hasTooMany;
  }

  add(record: N): void {
    for (const [name, value] of this.#access.fields(record)) this.addField(name, value);
  }

  addField(name: string, value: N): void {
    // A path cannot name it; it is part of a column with the whole record.
    if (name === '') return;
    const known = this.#fields.get(name);
    if (!known && this.#fields.size >= mostFields) {
      this.#hasTooMany = true;
      return;
    }
    const types = known ?? new FieldTypes();
    if (!known) this.#fields.set(name, types);
    types.add(this.#access.read(value));
  }

  /** In the order in which the fields were first seen. */
  columns(): readonly RecordColumn[] {
    return [...this.#fields].map(([name, types]) => ({
      name,
      path: formatPath([name]),
      type: formatType(types.type()) ?? 'json',
      nullable: true,
    }));
  }
}

const mostExactFloat = BigInt(Number.MAX_SAFE_INTEGER);
const [leastInt, mostInt] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The types of one field. */
class FieldTypes {
  readonly #kinds = new Set<string>();
  #least = 0n;
  #most = 0n;
  #precision = 0;

  add(value: NodeValue): void {
    switch (value.kind) {
      case 'null':
        return;
      case 'int':
        this.#addInt(BigInt(value.value));
        return;
      case 'time':
      case 'timestamp':
        this.#precision = Math.max(this.#precision, value.precision);
        this.#kinds.add(value.hasZone ? `${value.kind} with zone` : value.kind);
        return;
      case 'other':
        this.#kinds.add(value.text === undefined ? 'json' : `other ${value.name}`);
        return;
      case 'decimal':
        this.#addDecimal(value.text);
        return;
      default:
        this.#kinds.add(value.kind);
    }
  }

  type(): ColumnType {
    const kinds = [...this.#kinds];
    const [kind = 'json', ...more] = kinds;
    if (kinds.every(isNumber) && kinds.length > 0) return this.#numberType();
    return more.length > 0 ? { kind: 'json' } : this.#typeOf(kind);
  }

  #addInt(value: bigint): void {
    this.#kinds.add('int');
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
  }

  /** `1e3` and `5.0` are written with a point or an exponent, and stay decimals: the next one may have a fraction. */
  #addDecimal(text: string): void {
    const digits = decimalDigits(text);
    this.#kinds.add(
      digits === undefined || reduced(digits).digits.length <= mostDecimalDigits ? 'decimal' : 'json',
    );
  }

  #numberType(): ColumnType {
    const isWhole = !this.#kinds.has('decimal') && !this.#kinds.has('float');
    if (isWhole && this.#least >= leastInt && this.#most <= mostInt) return { kind: 'int', bits: 64 };
    const isExactAsFloat = -this.#least <= mostExactFloat && this.#most <= mostExactFloat;
    if (!isWhole && !this.#kinds.has('decimal') && isExactAsFloat) return { kind: 'float', bits: 64 };
    return { kind: 'decimal' };
  }

  #typeOf(kind: string): ColumnType {
    switch (kind) {
      case 'boolean':
      case 'bytes':
      case 'date':
      case 'text':
      case 'uuid':
        return { kind };
      case 'time':
      case 'timestamp':
        return { kind, precision: this.#precision, hasZone: false };
      case 'time with zone':
        return { kind: 'time', precision: this.#precision, hasZone: true };
      case 'timestamp with zone':
        return { kind: 'timestamp', precision: this.#precision, hasZone: true };
      default:
        return kind.startsWith('other ') ? { kind: 'text' } : { kind: 'json' };
    }
  }
}

/** Beyond this, databases keep a number as JSON text only. */
const mostDecimalDigits = 1_000;

function isNumber(kind: string): boolean {
  return kind === 'int' || kind === 'decimal' || kind === 'float';
}
