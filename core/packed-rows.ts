import { deserialize, serialize } from 'node:v8';
import type { Row } from './values.ts';

/** A canonical value, or one as SQLite stores it (a subset). */
export type Cell = unknown;

/**
 * Rows as columns of one kind each, so that a batch waits and crosses threads as a few flat buffers outside of the heap instead of many
 * small values. This is several times cheaper than cloning the rows. `nulls` has a 1 where the cell is NULL.
 */
type PackedColumn =
  | { readonly kind: 'bigint'; readonly values: BigInt64Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'number'; readonly values: Float64Array; readonly nulls: Uint8Array | null }
  | { readonly kind: 'boolean'; readonly values: Uint8Array; readonly nulls: Uint8Array | null }
  | {
      readonly kind: 'string';
      readonly text: string;
      readonly ends: Uint32Array;
      readonly nulls: Uint8Array | null;
    }
  /** Any other kind, or several kinds: cloned cell by cell. */
  | { readonly kind: 'mixed'; readonly values: readonly Cell[] };

interface Packed {
  readonly rowCount: number;
  readonly columns: readonly PackedColumn[];
}

/** Number of rows that are objects at one time, on either side. */
export const rowsPerPack = 500;

/** Rows of the same columns, most of them packed: `rowsPerPack` in each pack but the last. */
export class PackedRows implements Iterable<Row> {
  readonly packs: readonly Uint8Array[];
  readonly length: number;
  readonly byteCount: number;
  /** The pack that was read last, as most readers go from row to row. */
  #open: { readonly pack: number; readonly rows: readonly Row[] } = { pack: -1, rows: [] };

  constructor(packs: readonly Uint8Array[], length: number) {
    this.packs = packs;
    this.length = length;
    this.byteCount = packs.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** A negative index counts from the end. */
  at(index: number): Row | undefined {
    const from = index < 0 ? this.length + index : index;
    const pack = Math.floor(from / rowsPerPack);
    if (pack !== this.#open.pack) {
      const bytes = this.packs[pack];
      if (!bytes) return undefined;
      this.#open = { pack, rows: unpackRows(bytes) as Row[] };
    }
    return this.#open.rows[from % rowsPerPack];
  }

  *[Symbol.iterator](): Generator<Row> {
    for (const pack of this.packs) yield* unpackRows(pack) as Row[];
  }

  /** Call when the rows are not needed any more; they cannot be read afterwards. */
  free(): void {
    this.#open = { pack: -1, rows: [] };
    for (const pack of this.packs) freeBytes(pack);
  }
}

/**
 * Gives memory outside of the heap back at once. The garbage collector waits until the heap has grown, or until there is much of it: several
 * batches.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isOwn && !buffer.detached) buffer.transfer(0);
}

/** Packs rows as they arrive, so that few of them are objects at any time. */
export class RowPacker {
  readonly #packs: Uint8Array[] = [];
  readonly #prepare: (rows: Cell[][]) => void;
  #rows: Cell[][] = [];
  #count = 0;

  /** `prepare` converts rows in place before they are packed. */
  constructor(prepare: (rows: Cell[][]) => void = () => {}) {
    this.#prepare = prepare;
  }

  push(row: Cell[]): void {
    this.#count += 1;
    if (this.#rows.push(row) === rowsPerPack) this.#pack();
  }

  finish(): PackedRows {
    if (this.#rows.length > 0) this.#pack();
    return new PackedRows(this.#packs, this.#count);
  }

  #pack(): void {
    this.#prepare(this.#rows);
    this.#packs.push(packRows(this.#rows));
    this.#rows = [];
  }
}

export function toPacked(rows: Iterable<Row>): PackedRows {
  return rows instanceof PackedRows ? rows : mapRows(rows, (row) => row);
}

/** The rows that `convert` returns; undefined: none for this row. */
export function mapRows(
  rows: Iterable<Row>,
  convert: (row: Row, index: number) => Row | undefined,
): PackedRows {
  const packer = new RowPacker();
  let index = 0;
  for (const row of rows) {
    const converted = convert(row, index++);
    if (converted) packer.push([...converted]);
  }
  return packer.finish();
}

/** Bytes that `unpackRows` can read in any thread of this process. The rows have the same number of cells. */
export function packRows(rows: readonly (readonly Cell[])[]): Buffer {
  const width = rows[0]?.length ?? 0;
  const columns: PackedColumn[] = [];
  for (let at = 0; at < width; at++) columns.push(packColumn(rows, at));
  return serialize({ rowCount: rows.length, columns } satisfies Packed);
}

export function unpackRows(bytes: Uint8Array): Cell[][] {
  const { rowCount, columns } = deserialize(bytes) as Packed;
  const rows: Cell[][] = new Array(rowCount);
  for (let index = 0; index < rowCount; index++) rows[index] = new Array(columns.length);
  for (const [at, column] of columns.entries()) unpackColumn(column, rows, at);
  return rows;
}

function packColumn(rows: readonly (readonly Cell[])[], at: number): PackedColumn {
  const first = rows.find((row) => row[at] !== null)?.[at];
  switch (typeof first) {
    case 'bigint':
      return packFlat('bigint', rows, at, new BigInt64Array(rows.length), (values, index, cell) => {
        values[index] = cell as bigint;
        return values[index] === cell;
      });
    case 'number':
      return packFlat('number', rows, at, new Float64Array(rows.length), (values, index, cell) => {
        values[index] = cell as number;
        return true;
      });
    case 'boolean':
      return packFlat('boolean', rows, at, new Uint8Array(rows.length), (values, index, cell) => {
        values[index] = cell ? 1 : 0;
        return true;
      });
    case 'string':
      return packText(rows, at);
    default:
      return mixed(rows, at);
  }
}

/** `set` returns whether the array stores the cell exactly (an unsigned 2^64-1 does not fit into BigInt64Array). */
function packFlat<
  K extends 'bigint' | 'number' | 'boolean',
  A extends BigInt64Array | Float64Array | Uint8Array,
>(
  kind: K,
  rows: readonly (readonly Cell[])[],
  at: number,
  values: A,
  set: (values: A, index: number, cell: Cell) => boolean,
): PackedColumn {
  let nulls: Uint8Array | null = null;
  for (let index = 0; index < rows.length; index++) {
    const cell = rows[index]?.[at];
    if (cell === null) {
      nulls ??= new Uint8Array(rows.length);
      nulls[index] = 1;
    } else if (typeof cell !== kind || !set(values, index, cell)) return mixed(rows, at);
  }
  return { kind, values, nulls } as unknown as PackedColumn;
}

function packText(rows: readonly (readonly Cell[])[], at: number): PackedColumn {
  const parts: string[] = new Array(rows.length);
  const ends = new Uint32Array(rows.length);
  let nulls: Uint8Array | null = null;
  let end = 0;
  for (let index = 0; index < rows.length; index++) {
    const cell = rows[index]?.[at];
    if (typeof cell === 'string') {
      parts[index] = cell;
      end += cell.length;
    } else if (cell === null) {
      nulls ??= new Uint8Array(rows.length);
      nulls[index] = 1;
      parts[index] = '';
    } else return mixed(rows, at);
    // A string in V8 has at most 2^29-24 characters.
    if (end > 0x1fff_0000) return mixed(rows, at);
    ends[index] = end;
  }
  return { kind: 'string', text: parts.join(''), ends, nulls };
}

function mixed(rows: readonly (readonly Cell[])[], at: number): PackedColumn {
  return { kind: 'mixed', values: rows.map((row) => row[at]) };
}

function unpackColumn(column: PackedColumn, rows: readonly Cell[][], at: number): void {
  if (column.kind === 'mixed') {
    for (let index = 0; index < rows.length; index++) (rows[index] as Cell[])[at] = column.values[index];
    return;
  }
  const { nulls } = column;
  const read = cellReader(column);
  for (let index = 0; index < rows.length; index++) {
    const cell = read(index);
    (rows[index] as Cell[])[at] = nulls?.[index] ? null : cell;
  }
}

function cellReader(column: Exclude<PackedColumn, { kind: 'mixed' }>): (index: number) => Cell {
  switch (column.kind) {
    case 'boolean':
      return (index) => column.values[index] === 1;
    case 'string': {
      let start = 0;
      return (index) => {
        const from = start;
        start = column.ends[index] ?? from;
        return column.text.substring(from, start);
      };
    }
    default:
      return (index) => column.values[index];
  }
}
