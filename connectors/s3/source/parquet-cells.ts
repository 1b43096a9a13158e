import { jsonOf } from '../../../core/records/canonical-json.ts';
import { stepsOf } from '../../../core/records/columns.ts';
import { converterOf } from '../../../core/records/convert.ts';
import { jsonAccess, jsonOrMisfit } from '../../../core/records/json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import type { Step } from '../../../core/records/path.ts';
import { formatType } from '../../../core/records/type-text.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { objectDamaged } from '../errors.ts';
import { canonicalAccess } from '../formats/canonical-node.ts';
import type { ParquetFile } from '../parquet/reader.ts';
import type { Field } from '../parquet/schema.ts';
import type { ObjectEntry } from '../session.ts';
import type { RecordReading } from './record-reading.ts';

type Convert = (value: Value) => Value | Misfit;

export interface Cell {
  readonly field: Field;
  readonly column: number;
  /** Undefined: the types are the same. */
  readonly convert: Convert | undefined;
  readonly isNullable: boolean;
}

/** Which field of a file is which column of the rows. */
export function cellsOf(reading: RecordReading, file: ParquetFile): Cell[] {
  const { request, columns } = reading.init;
  return request.columns.flatMap(({ column }, index) => {
    const given = columns.find(({ name }) => name === column.name);
    const [step, ...within] = given ? stepsOf(given) : [];
    const field = file.fields.find(({ name }) => name === step);
    if (!field) return [];
    const isSame = within.length === 0 && isSameType(field.type, column.type);
    const convert = isSame ? undefined : conversion(field.type, within, column.type);
    return [{ field, column: index, convert, isNullable: column.isNullable }];
  });
}

function isSameType(one: ColumnType, other: ColumnType): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** `within`: the path in the field. */
function conversion(from: ColumnType, within: readonly Step[], to: ColumnType): Convert {
  if (within.length > 0) return conversionOfPart(from, within, to);
  const convert = converterOf(to, canonicalAccess);
  return (value) => convert({ type: from, value });
}

/** By its JSON, which has every value exactly. */
function conversionOfPart(from: ColumnType, within: readonly Step[], to: ColumnType): Convert {
  const json = jsonOf(from);
  const convert = converterOf(to, jsonAccess);
  return (value) => {
    const text = json(value);
    const whole = text instanceof Misfit ? text : jsonOrMisfit(text);
    if (whole instanceof Misfit) return whole;
    const part = valueAtPath(jsonAccess, whole, within);
    return part === undefined ? null : convert(part);
  };
}

/** A column that a file does not have is NULL, but a file without any of them is another one. New fields are the matter of schemaChanges. */
export function requireColumn(
  { init }: RecordReading,
  { key }: ObjectEntry,
  { fields, footer }: ParquetFile,
): void {
  const steps = new Set(init.columns.map((column) => stepsOf(column)[0]));
  const twice = fields.find(
    ({ name }, at) => steps.has(name) && fields.some((one, i) => i < at && one.name === name),
  );
  if (twice)
    throw objectDamaged(init.session.where, key, `it has the field ${JSON.stringify(twice.name)} twice`);
  if (init.request.findsNewFields || steps.size === 0 || steps.has(undefined)) return;
  if (fields.some(({ name }) => steps.has(name)) || footer.groups.every(({ rowCount }) => rowCount === 0))
    return;
  throw objectDamaged(init.session.where, key, 'it has none of the columns of source.columns');
}

export function reportNewFields(reading: RecordReading, file: ParquetFile): void {
  const { request, columns } = reading.init;
  if (!request.findsNewFields) return;
  const known = new Set(columns.map((column) => stepsOf(column)[0]));
  for (const { name, type } of file.fields) {
    if (known.has(name) || name === '') continue;
    reading.addField({ name, type: formatType(type) ?? 'json' });
  }
}
