import type { ReadRequest } from '../../core/connector.ts';
import { orderedBy } from '../../core/unique-order.ts';
import type { Column, ColumnType } from '../../core/values.ts';

export type OrderOfRead = Pick<ReadRequest, 'mode' | 'key' | 'timestampField' | 'relation'>;

/** Types of the columns that an offset's values belong to, in order. */
export function orderTypes(read: OrderOfRead): readonly ColumnType[] {
  return orderColumns(read).map(({ type }) => type);
}

/** The same for comparing two offsets; undefined for a column with a collation, whose order only its server knows. */
export function knownOrders(read: OrderOfRead): readonly (ColumnType | undefined)[] {
  return orderColumns(read).map(({ type, collation }) => (collation === undefined ? type : undefined));
}

/** What an offset's values are ordered by (Offset.by): column names, and how values of such a column are compared. */
export function orderNames(read: OrderOfRead): readonly string[] {
  return orderColumns(read).map((column) => `${column.name} ${comparison(column)}`);
}

function orderColumns(read: OrderOfRead): readonly Column[] {
  return orderedBy(read).flatMap(
    (name) => read.relation.columns.find((column) => column.name === name) ?? [],
  );
}

/** An integer that becomes a decimal keeps its order; a text whose collation changes does not. */
function comparison({ type, collation }: Column): string {
  switch (type.kind) {
    case 'int':
    case 'decimal':
    case 'float':
      return collation === undefined ? 'number' : `number ${collation}`;
    case 'date':
    case 'timestamp':
      return 'time';
    case 'text':
    case 'enum':
      return collation === undefined ? type.kind : `${type.kind} ${collation}`;
    default:
      return type.kind;
  }
}
