import type { Finding } from '../../../core/errors.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import type { Relation } from '../../../core/values.ts';

/** Below these sizes, reading the whole table in each pass is acceptable. */
const smallRows = 10_000;
const smallBytes = 1024 * 1024;

/** The field that a mode reads by, if the table is large enough for an index to matter; undefined if there is nothing to check. */
export function fieldToIndex(
  mode: Mode,
  object: SourceObject,
  relation: Relation | undefined,
): string | undefined {
  if (object.table === undefined || relation === undefined || relation.isOpaque) return undefined;
  const { estimatedRows, estimatedBytes, keys } = relation;
  const isSmall =
    estimatedRows === undefined ? (estimatedBytes ?? 0) < smallBytes : estimatedRows < smallRows;
  if (isSmall) return undefined;
  const field = mode.endsWith('Timestamp')
    ? object.timestampField
    : mode.endsWith('Id')
      ? object.idField
      : undefined;
  return keys.some((key) => key.columns[0] === field) ? undefined : field;
}

/** `first`: the first columns of all indexes of the table. */
export function indexFindings(
  field: string,
  { name, keys }: Relation,
  mode: Mode,
  first: readonly string[],
): Finding[] {
  if (first.includes(field)) return [];
  const columns = [field, ...(keys[0]?.columns ?? []).filter((each) => each !== field)].join(', ');
  return [
    {
      severity: 'warning',
      code: 'FieldNotIndexed',
      path: mode.endsWith('Timestamp') ? 'spec.source.timestampField' : 'spec.source.idField',
      message: `no index of ${name} begins with ${field}: each pass reads the whole table`,
      fix: `create an index of ${name} over ${columns}`,
    },
  ];
}
