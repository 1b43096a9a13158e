import type { RowFormat } from '../../../core/batch.ts';
import { bug, permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import type { Comparison, SqlDialect } from '../../sql/types/dialect.ts';
import { binaryItem, ownItem, tsvItem } from './row-formats.ts';
import { castName, withoutModifiers } from './type-name.ts';

export const dialect: SqlDialect = {
  quote: quoteDouble,
  literal,
  selectItem,
  operator,
  isSeveral: 'pg_catalog.count(*) OPERATOR(pg_catalog.>) 1',
  hasIndexedRowComparison: true,
};

/** Any text as a literal; a text in PostgreSQL cannot contain NUL. */
export function literalText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The operator that defines the order of an index on the column. */
function operator(symbol: Comparison, { operatorSchema }: Column): string {
  return `OPERATOR(${operatorSchema === undefined ? 'pg_catalog' : quoteDouble(operatorSchema)}.${symbol})`;
}

/** Canonical text as a literal of the column's own type. */
function literal(text: string, column: Column): string {
  const type = withoutModifiers(column.nativeType);
  if (column.type.kind === 'bytes') {
    if (!/^([0-9a-f]{2})*$/i.test(text)) {
      throw permanent(
        'OffsetInvalid',
        `the offset of column ${column.name} (bytea) must be written in hexadecimal digits`,
      );
    }
    return `'\\x${text}'::pg_catalog.bytea`;
  }
  return `${literalText(text)}::${castName(type)}`;
}

function selectItem(column: Column, rowFormat: RowFormat, index: number): string {
  if (!('as' in rowFormat)) return aliased(ownItem(column), column);
  const as = rowFormat.as[index] ?? '';
  const item =
    rowFormat.format === 'pgcopy-binary'
      ? binaryItem(column, as)
      : rowFormat.format === 'tsv'
        ? tsvItem(column, as)
        : undefined;
  if (item === undefined)
    throw bug(`column ${column.name} (${column.nativeType}) cannot travel as ${as} (${rowFormat.format})`);
  return aliased(item, column);
}

/** Never aliased to the column's own name: ORDER BY would then sort by the cast value, without using an index. */
function aliased(item: string, { name }: Column): string {
  return item === quoteDouble(name) ? item : `${item} AS "idra cast"`;
}
