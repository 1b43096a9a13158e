import { bug } from '../errors.ts';
import type { Column } from '../values.ts';
import { parsePath, type Step } from './path.ts';
import type { RecordColumn } from './record-column.ts';
import { parseType } from './type-text.ts';

/** The column of a relation. Manifest and inference have checked its type. */
export function columnOf({ name, type, nullable }: RecordColumn): Column {
  const parsed = parseType(type);
  if (!parsed) throw bug(`column ${name} has the unknown type ${type}`);
  return { name, type: parsed, nativeType: type, isNullable: nullable };
}

export function stepsOf({ name, path }: RecordColumn): readonly Step[] {
  const steps = parsePath(path);
  if (!steps) throw bug(`column ${name} has the invalid path ${path}`);
  return steps;
}

export function isSameColumns(
  one: readonly RecordColumn[] | undefined,
  other: readonly RecordColumn[] | undefined,
): boolean {
  const text = (columns: readonly RecordColumn[] | undefined) =>
    JSON.stringify(columns?.map(({ name, path, type, nullable }) => [name, path, type, nullable]));
  return text(one) === text(other);
}
