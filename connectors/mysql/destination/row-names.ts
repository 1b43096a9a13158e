import type { WritePlan } from '../../../core/connector.ts';
import { nameRow } from '../../../core/row-name.ts';
import type { LoadColumn } from '../types/encode.ts';
import { fieldsOf, type Lines, linesOf, plainField } from '../types/tsv-lines.ts';

/** The name of a single line by its key, as rowName (connectors/sql/destination/refused-row.ts) names rows of values. */
export function nameLine(
  line: Lines,
  columns: readonly LoadColumn[],
  { key, redactsKeys }: Pick<WritePlan, 'key' | 'redactsKeys'>,
): string | undefined {
  const [only = Buffer.alloc(0)] = linesOf(line);
  const fields = fieldsOf(only);
  const values = key.map((name) => {
    const at = columns.findIndex((column) => column.name === name);
    return plainField(fields[at] ?? '\\N');
  });
  return nameRow({ columns: key, values }, redactsKeys);
}
