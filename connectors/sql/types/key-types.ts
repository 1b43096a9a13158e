import type { Column, ColumnType } from '../../../core/values.ts';

/** Types that every SQL system can page by. */
const commonKinds: readonly ColumnType['kind'][] = [
  'boolean',
  'int',
  'float',
  'decimal',
  'text',
  'bytes',
  'date',
  'time',
  'timestamp',
  'uuid',
  'bit',
];

/** What a system can page by in addition: kinds of types, and its own types by name. */
export interface KeyTypes {
  readonly kinds: readonly ColumnType['kind'][];
  readonly others: RegExp;
}

/** TypeTable.keyRefusal. Lists the types that tests have paged by; unknown types are refused, not tried. */
export function keyRefusal({
  kinds,
  others,
}: KeyTypes): (column: Pick<Column, 'type'>) => string | undefined {
  const listed = new Set([...commonKinds, ...kinds]);
  return ({ type }) => {
    const isListed = type.kind === 'other' ? others.test(type.name) : listed.has(type.kind);
    if (isListed) return undefined;
    switch (type.kind) {
      case 'array':
        return 'a position in the order of arrays is not kept exactly';
      case 'json':
        return 'JSON has no total order';
      case 'interval':
        return 'intervals that are equal are written differently';
      default:
        return 'this type is not known to have a total order and one text for each value';
    }
  };
}
