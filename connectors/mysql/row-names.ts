import type { WritePlan } from '../../core/connector.ts';
import { nameRow } from '../../core/row-name.ts';
import type { LoadColumn } from './encode.ts';
import { fieldsOf, type Lines } from './load.ts';

/** The name of a single line by its key, as rowName (connectors/sql/refused-row.ts) names rows of values. */
export function nameLine(
  line: Lines,
  columns: readonly LoadColumn[],
  { key, redactsKeys }: Pick<WritePlan, 'key' | 'redactsKeys'>,
): string | undefined {
  const fields = fieldsOf(Buffer.concat(line.chunks)).map((field) => field.replace(/\n$/, ''));
  const values = key.map((name) => {
    const at = columns.findIndex((column) => column.name === name);
    return plainField(fields[at] ?? '\\N');
  });
  return nameRow({ columns: key, values }, redactsKeys);
}

const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** As `tsv` writes it (core/batch.ts). */
function plainField(field: string): string | null {
  return field === '\\N' ? null : field.replaceAll(/\\(.)/g, (_, char: string) => plain[char] ?? char);
}
