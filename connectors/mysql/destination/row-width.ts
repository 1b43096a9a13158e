import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { Finding } from '../../../core/errors.ts';
import { isBinaryOther, labelsOf, partsOf } from '../types/type-name.ts';
import { charsetOf } from './ddl.ts';

/** Limit for a row with all its columns. The contents of TEXT, BLOB, JSON and geometry columns are stored elsewhere. */
export const maxRowBytes = 65_535;
/** Columns named in the message, the widest first. */
const namedColumns = 5;

const singleByte =
  /^(ascii|latin[1257]|binary|cp125[0167]|cp85[02]|cp866|dec8|hp8|koi8[ru]|swe7|hebrew|tis620|greek|armscii8|geostd8|mac(ce|roman)|keybcs2)$/;
const bytesOf: Readonly<Record<string, number>> = {
  ucs2: 2,
  gbk: 2,
  gb2312: 2,
  big5: 2,
  sjis: 2,
  cp932: 2,
  euckr: 2,
  utf8: 3,
  utf8mb3: 3,
  ujis: 3,
  eucjpms: 3,
};
const charBytesOfUtf8mb4 = 4;

const fixedBytes: Readonly<Record<string, number>> = {
  tinyint: 1,
  year: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  integer: 4,
  bigint: 8,
  float: 4,
  double: 8,
  real: 8,
  date: 3,
  tinytext: 9,
  tinyblob: 9,
  text: 10,
  blob: 10,
  mediumtext: 11,
  mediumblob: 11,
  longtext: 12,
  longblob: 12,
  json: 12,
};
const blobPointerBytes = 12;
/** Minimum size for types not listed here, so that nothing that the server would accept is refused. */
const otherBytes = 1;

/** Limit of InnoDB. */
const maxColumns = 1_017;

/** Checks the number and total size of the columns of a table that will be created or extended, and refuses too many. */
export function rowFindings(columns: readonly PlannedColumn[]): Finding[] {
  if (columns.every((each) => each.existing !== null)) return [];
  if (columns.length > maxColumns) return [tooManyColumns(columns.length)];
  const sum = rowWidth(columns);
  if (sum <= maxRowBytes) return [];
  const widths = columns.map((each) => ({ each, bytes: columnBytes(each) }));
  const widest = widths.toSorted((one, other) => other.bytes - one.bytes).slice(0, namedColumns);
  const named = widest.map(({ each, bytes }) => `${each.name} ${each.ddl} ${grouped(bytes)}`).join(', ');
  const others = columns.length - widest.length;
  return [
    {
      severity: 'error',
      code: 'RowTooWide',
      path: 'spec.destination.table',
      message: `the columns are ${grouped(sum)} bytes wide in total, and a MySQL row has at most ${grouped(maxRowBytes)}: ${named}${others > 0 ? ` and ${others} more` : ''}`,
      fix: 'create the table yourself with TEXT columns, or leave columns out with source.query',
    },
  ];
}

function tooManyColumns(count: number): Finding {
  return {
    severity: 'error',
    code: 'RowTooWide',
    path: 'spec.destination.table',
    message: `there are ${grouped(count)} columns, and a MySQL table has at most ${grouped(maxColumns)}`,
    fix: 'leave columns out with source.query',
  };
}

/** Includes the bits that mark which columns are NULL. */
export function rowWidth(columns: readonly PlannedColumn[]): number {
  const nullable = columns.filter((each) => each.isNullable).length;
  return columns.reduce((sum, each) => sum + columnBytes(each), Math.ceil(nullable / 8));
}

/** Size as the server counts it. */
function columnBytes(planned: PlannedColumn): number {
  const { base, inner } = partsOf(planned.ddl);
  const [length = 0, scale = 0] = inner.split(',').map(Number);
  switch (base) {
    case 'char':
      return Math.max(1, length) * charBytes(planned);
    case 'binary':
      return Math.max(1, length);
    case 'varchar':
      return withLength(length * charBytes(planned));
    case 'varbinary':
      return withLength(length);
    case 'decimal':
    case 'numeric':
      return decimalBytes(inner === '' ? 10 : length, scale);
    case 'time':
      return 3 + Math.ceil(length / 2);
    case 'timestamp':
      return 4 + Math.ceil(length / 2);
    case 'datetime':
      return 5 + Math.ceil(length / 2);
    case 'bit':
      return Math.ceil(Math.max(1, length) / 8);
    case 'enum':
      return labelsOf(inner).length > 255 ? 2 : 1;
    case 'set':
      return Math.ceil(labelsOf(inner).length / 8);
    default:
      return fixedBytes[base] ?? (isBinaryOther(base) ? blobPointerBytes : otherBytes);
  }
}

function withLength(bytes: number): number {
  return bytes + (bytes > 255 ? 2 : 1);
}

/** Nine digits take four bytes; digits before and after the point are counted separately. */
function decimalBytes(precision: number, scale: number): number {
  const part = (digits: number) => Math.floor(digits / 9) * 4 + Math.ceil((digits % 9) / 2);
  return part(precision - scale) + part(scale);
}

/** Maximum bytes per character. If the server lacks the source's collation, its replacement is wider; the server then reports the error. */
function charBytes({ ddl, existing, source }: PlannedColumn): number {
  const [, named] = /\bcharacter set (\w+)/i.exec(ddl) ?? [];
  const { collation } = existing ?? source;
  const charset = named ?? (collation === undefined ? undefined : charsetOf(collation));
  if (charset === undefined) return existing ? 1 : charBytesOfUtf8mb4;
  return singleByte.test(charset) ? 1 : (bytesOf[charset] ?? charBytesOfUtf8mb4);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
