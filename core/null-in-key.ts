import type { WritePlan } from './connector.ts';
import type { Row } from './values.ts';

/**
 * The column of the key that is NULL in a row; undefined: none is. An Upsert would replace the row by every other one without a key: databases
 * refuse such rows by their keys, and a destination without keys of its own does it by this.
 */
export function nullInKey({
  writeMode,
  key,
  columns: { columns },
}: WritePlan): (row: Row) => string | undefined {
  if (writeMode !== 'Upsert') return () => undefined;
  const nullable = columns.flatMap(({ name, source }, index) =>
    key.includes(name) && source.isNullable ? [{ name, index }] : [],
  );
  return (row) => nullable.find(({ index }) => (row[index] ?? null) === null)?.name;
}
