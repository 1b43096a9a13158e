import type { RowFormat } from '../../../core/batch.ts';
import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import type { SqlDialect } from '../../sql/types/dialect.ts';
import { quoteBracket } from '../names.ts';
import { isCollationName } from './column-types.ts';
import { partsOf } from './type-name.ts';

export const dialect: SqlDialect = {
  quote: quoteBracket,
  literal,
  selectItem: (column: Column, _rowFormat: RowFormat) => selectItem(column),
  hasIndexedRowComparison: false,
  limit: 'top',
};

/** The server removes a backslash at the end of a line together with the line's end, even within a literal. */
export function literalText(text: string): string {
  return `N'${text.replaceAll("'", "''").replaceAll(/\\(?=\r?\n)/g, "\\' + N'")}'`;
}

/** Canonical text as a literal of the column's own type, so that an index can be used. */
function literal(text: string, column: Column): string {
  const { type, nativeType } = column;
  switch (type.kind) {
    case 'boolean':
      return `CONVERT(bit, ${text === 'true' || text === '1' ? 1 : 0})`;
    case 'int':
    case 'decimal':
      return `CONVERT(${nativeType}, '${shaped(text, column, /^[+-]?(\d+(\.\d*)?|\.\d+)$/)}')`;
    case 'float':
      return `CONVERT(${nativeType}, ${float(text, column)})`;
    case 'bytes':
      return `0x${shaped(text, column, /^([0-9a-f]{2})*$/i)}`;
    case 'date':
    case 'time':
      return `CONVERT(${nativeType}, '${shaped(text, column, /^[-\d:. ]+$/)}', 121)`;
    case 'timestamp':
      return timestamp(text, column);
    case 'uuid':
      return `CONVERT(uniqueidentifier, '${shaped(text, column, /^[-0-9a-f]{36}$/i)}')`;
    case 'text':
      return textLiteral(text, column);
    default:
      return literalText(text);
  }
}

/** A single precision number is compared as the double that it is. */
function float(text: string, column: Column): string {
  const exact =
    column.type.kind === 'float' && column.type.bits === 32 ? String(Math.fround(Number(text))) : text;
  const checked = shaped(exact, column, /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i);
  return /e/i.test(checked) ? checked : `${checked}e0`;
}

function timestamp(text: string, column: Column): string {
  const { nativeType } = column;
  const wall = shaped(text.replace(/Z$/, ''), column, /^[-\d:. ]+$/);
  const { base, numbers } = partsOf(nativeType);
  if (base !== 'datetimeoffset') return `CONVERT(${nativeType}, '${wall}', 121)`;
  return `TODATETIMEOFFSET(CONVERT(datetime2(${numbers[0] ?? 7}), '${wall}', 121), '+00:00')`;
}

/** A literal of another type than the column's would be converted to, and no index of a varchar column could be used. */
function textLiteral(text: string, { nativeType, collation }: Column): string {
  const { base } = partsOf(nativeType);
  const isNational = base !== 'varchar' && base !== 'char';
  if (isNational || collation === undefined || !isCollationName(collation)) return literalText(text);
  return `CONVERT(varchar(8000), ${literalText(text)} COLLATE ${collation})`;
}

function shaped(text: string, { name, nativeType }: Column, shape: RegExp): string {
  if (shape.test(text)) return text;
  throw permanent('OffsetInvalid', `the offset of column ${name} is not a valid ${nativeType}`);
}

/**
 * The expression that returns the canonical value or its text. The driver would read decimals as doubles, and times with three digits of
 * a second; texts of other code pages are converted by the server, which knows them.
 */
export function selectItem({ name: column, nativeType }: Pick<Column, 'name' | 'nativeType'>): string {
  const name = quoteBracket(column);
  const { base, numbers, isMax } = partsOf(nativeType);
  switch (base) {
    case 'decimal':
    case 'numeric':
      return `CONVERT(varchar(41), ${name})`;
    case 'money':
    case 'smallmoney':
      return `CONVERT(varchar(41), CONVERT(decimal(19,4), ${name}))`;
    case 'date':
      return `CONVERT(varchar(10), ${name}, 23)`;
    case 'smalldatetime':
      return `CONVERT(varchar(19), ${name}, 120)`;
    case 'time':
    case 'datetime':
    case 'datetime2':
      return `CONVERT(varchar(27), ${name}, 121)`;
    case 'datetimeoffset':
      return `CONVERT(varchar(27), CONVERT(datetime2(${numbers[0] ?? 7}), SWITCHOFFSET(${name}, '+00:00')), 121)`;
    case 'char':
    case 'varchar': {
      const [length = 0] = numbers;
      return `CONVERT(nvarchar(${isMax || length > 4_000 ? 'max' : length}), ${name})`;
    }
    case 'text':
    case 'ntext':
    case 'xml':
    case 'json':
      return `CONVERT(nvarchar(max), ${name})`;
    case 'hierarchyid':
      return `CONVERT(nvarchar(4000), ${name})`;
    case 'image':
      return `CONVERT(varbinary(max), ${name})`;
    case 'rowversion':
      return `CONVERT(binary(8), ${name})`;
    case 'geometry':
    case 'geography':
      return `LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), ${name}), 2))`;
    default:
      return name;
  }
}
