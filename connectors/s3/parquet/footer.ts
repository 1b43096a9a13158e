import {
  listOf,
  optionalSizeOf,
  sizeOf,
  structOf,
  ThriftReader,
  type ThriftStruct,
  type ThriftValue,
  textOf,
} from './thrift.ts';

export type PhysicalType =
  | 'BOOLEAN'
  | 'INT32'
  | 'INT64'
  | 'INT96'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BYTE_ARRAY'
  | 'FIXED_LEN_BYTE_ARRAY';

const physicalTypes: readonly PhysicalType[] = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
];

export type LogicalType =
  | {
      readonly kind:
        | 'string'
        | 'map'
        | 'list'
        | 'enum'
        | 'date'
        | 'unknown'
        | 'json'
        | 'bson'
        | 'uuid'
        | 'float16';
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly isUtc: boolean; readonly digits: 3 | 6 | 9 }
  | { readonly kind: 'integer'; readonly bits: number; readonly isSigned: boolean }
  | { readonly kind: 'interval' };

/** An element of the schema: a group has children, a leaf a physical type. */
export interface SchemaNode {
  readonly name: string;
  readonly repetition: 'required' | 'optional' | 'repeated';
  readonly physical: PhysicalType | undefined;
  readonly length: number;
  readonly logical: LogicalType | undefined;
  readonly children: readonly SchemaNode[];
}

export interface ColumnChunk {
  readonly codec: number;
  readonly valueCount: number;
  /** Of its first page. */
  readonly start: number;
  readonly byteCount: number;
  /** Of its pages without compression. */
  readonly plainBytes: number;
}

export interface RowGroup {
  readonly rowCount: number;
  /** One for each leaf of the schema, in its order. */
  readonly chunks: readonly ColumnChunk[];
}

export interface Footer {
  readonly root: SchemaNode;
  readonly rowCount: number;
  readonly groups: readonly RowGroup[];
}

const magic = 'PAR1';
export const trailerBytes = 8;

/** The size of the footer, from the last bytes of a file. */
export function footerLength(trailer: Buffer): number {
  if (trailer.length < trailerBytes) throw new RangeError('it is too short');
  const end = trailer.toString('latin1', trailer.length - 4);
  if (end === 'PARE') throw new RangeError('its footer is encrypted, which is not supported');
  if (end !== magic) throw new RangeError('it does not end in PAR1');
  return trailer.readUInt32LE(trailer.length - trailerBytes);
}

/** `fileBytes` bounds what the footer may refer to. */
export function readFooter(bytes: Buffer, fileBytes: number): Footer {
  const data = new ThriftReader(bytes).struct();
  const elements = listOf(data.get(2)).map(structOf);
  const [root, end] = nodeAt(elements, 0, 0);
  if (end !== elements.length) throw new RangeError('its schema has elements that belong to no column');
  const leafCount = countLeaves(root);
  const groups = listOf(data.get(4)).map((each) => readGroup(structOf(each), leafCount, fileBytes));
  const rowCount = groups.reduce((sum, each) => sum + each.rowCount, 0);
  return { root, rowCount, groups };
}

const maxDepth = 32;

/** The element at this index with its children, and the index behind them. */
function nodeAt(
  elements: readonly ThriftStruct[],
  index: number,
  depth: number,
): readonly [SchemaNode, number] {
  const element = elements[index];
  if (!element || depth > maxDepth) throw new RangeError('its schema is incomplete');
  const childCount = optionalSizeOf(element.get(5)) ?? 0;
  if (childCount > elements.length) throw new RangeError('its schema has fewer elements than it says');
  const children: SchemaNode[] = [];
  let next = index + 1;
  for (let count = 0; count < childCount; count++) {
    const [child, behind] = nodeAt(elements, next, depth + 1);
    children.push(child);
    next = behind;
  }
  const type = element.get(1);
  const physical = typeof type === 'number' ? physicalTypes[type] : undefined;
  if (children.length === 0 && depth > 0 && physical === undefined)
    throw new RangeError('a column has no type');
  const repetition =
    (['required', 'optional', 'repeated'] as const)[Number(element.get(3) ?? 0)] ?? 'required';
  const node = {
    name: textOf(element.get(4)),
    repetition: depth === 0 ? ('required' as const) : repetition,
    physical: children.length > 0 ? undefined : physical,
    length: optionalSizeOf(element.get(2)) ?? 0,
    logical: logicalType(element) ?? convertedType(element),
    children,
  };
  return [node, next];
}

function countLeaves({ children }: SchemaNode): number {
  return children.length === 0 ? 1 : children.reduce((sum, each) => sum + countLeaves(each), 0);
}

const plainKinds = new Map<
  number,
  'string' | 'map' | 'list' | 'enum' | 'date' | 'unknown' | 'json' | 'bson' | 'uuid' | 'float16'
>([
  [1, 'string'],
  [2, 'map'],
  [3, 'list'],
  [4, 'enum'],
  [6, 'date'],
  [11, 'unknown'],
  [12, 'json'],
  [13, 'bson'],
  [14, 'uuid'],
  [15, 'float16'],
]);

function logicalType(element: ThriftStruct): LogicalType | undefined {
  const union = element.get(10);
  if (!(union instanceof Map)) return undefined;
  const [[field, value] = [0, undefined]] = union as ReadonlyMap<number, ThriftValue>;
  const kind = plainKinds.get(field);
  if (kind !== undefined) return { kind };
  if (!(value instanceof Map)) return undefined;
  switch (field) {
    case 5:
      return { kind: 'decimal', scale: sizeOf(value.get(1) ?? 0), precision: sizeOf(value.get(2)) };
    case 7:
    case 8:
      return {
        kind: field === 7 ? 'time' : 'timestamp',
        isUtc: value.get(1) === true,
        digits: unitDigits(value.get(2)),
      };
    case 10:
      return { kind: 'integer', bits: sizeOf(value.get(1)), isSigned: value.get(2) === true };
    default:
      return undefined;
  }
}

function unitDigits(unit: ThriftValue | undefined): 3 | 6 | 9 {
  const [field] = [...structOf(unit).keys()];
  if (field === 1) return 3;
  if (field === 2) return 6;
  if (field === 3) return 9;
  throw new RangeError('the unit of a time is unknown');
}

/** What writers used before there were logical types. */
function convertedType(element: ThriftStruct): LogicalType | undefined {
  const type = element.get(6);
  if (typeof type !== 'number') return undefined;
  const integer = (bits: number, isSigned: boolean): LogicalType => ({ kind: 'integer', bits, isSigned });
  switch (type) {
    case 0:
      return { kind: 'string' };
    case 1:
    case 2:
      return { kind: 'map' };
    case 3:
      return { kind: 'list' };
    case 4:
      return { kind: 'enum' };
    case 5:
      return { kind: 'decimal', scale: sizeOf(element.get(7) ?? 0), precision: sizeOf(element.get(8)) };
    case 6:
      return { kind: 'date' };
    case 7:
    case 8:
      return { kind: 'time', isUtc: true, digits: type === 7 ? 3 : 6 };
    case 9:
    case 10:
      return { kind: 'timestamp', isUtc: true, digits: type === 9 ? 3 : 6 };
    case 11:
    case 12:
    case 13:
    case 14:
      return integer(8 * 2 ** (type - 11), false);
    case 15:
    case 16:
    case 17:
    case 18:
      return integer(8 * 2 ** (type - 15), true);
    case 19:
      return { kind: 'json' };
    case 20:
      return { kind: 'bson' };
    case 21:
      return { kind: 'interval' };
    default:
      return undefined;
  }
}

function readGroup(group: ThriftStruct, leafCount: number, fileBytes: number): RowGroup {
  const columns = listOf(group.get(1)).map(structOf);
  if (columns.length !== leafCount) throw new RangeError('a row group has not the columns of the schema');
  const rowCount = sizeOf(group.get(3));
  return { rowCount, chunks: columns.map((column) => readChunk(column, fileBytes)) };
}

function readChunk(column: ThriftStruct, fileBytes: number): ColumnChunk {
  if (textOf(column.get(1)) !== '')
    throw new RangeError('a column is in another file, which is not supported');
  if (column.get(8) !== undefined) throw new RangeError('a column is encrypted, which is not supported');
  const data = structOf(column.get(3));
  const pages = sizeOf(data.get(9));
  const dictionary = optionalSizeOf(data.get(11));
  // Some writers store 0 where there is no dictionary.
  const start = dictionary !== undefined && dictionary > 0 && dictionary < pages ? dictionary : pages;
  const byteCount = sizeOf(data.get(7));
  if (start + byteCount > fileBytes) throw new RangeError('a column lies behind the end of the file');
  return {
    codec: sizeOf(data.get(4)),
    valueCount: sizeOf(data.get(5)),
    start,
    byteCount,
    plainBytes: sizeOf(data.get(6)),
  };
}
