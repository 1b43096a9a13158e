import type { ReadRequest } from '../../../core/connector.ts';
import { scalarText } from '../../../core/offset.ts';
import { stepsOf } from '../../../core/records/columns.ts';
import { converterOf } from '../../../core/records/convert.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { Column, Scalar } from '../../../core/values.ts';
import { type Compare, orderOf } from './field-order.ts';

/** The canonical text of idField or timestampField in a record; null: it has none; undefined: the value does not fit the column. */
export type ReadField = (record: JsonValue) => string | null | undefined;

export interface OrderField {
  readonly read: ReadField;
  readonly compare: Compare;
  readonly column: Column;
}

/** The field that the mode reads by; undefined: a Snapshot. */
export function fieldOf(request: ReadRequest, columns: readonly RecordColumn[]): OrderField | undefined {
  const name = request.mode === 'Timestamp' ? request.timestampField : request.key[0];
  if (request.mode === 'Snapshot' || name === undefined) return undefined;
  const column = request.relation.columns.find((each) => each.name === name);
  const of = columns.find((each) => each.name === name);
  if (!column || !of) return undefined;
  const [steps, convert] = [stepsOf(of), converterOf(column.type, jsonAccess)];
  return {
    column,
    compare: orderOf(column.type),
    read(record) {
      const node = valueAtPath(jsonAccess, record, steps);
      const value = node === undefined ? null : convert(node);
      if (value === null) return null;
      return value instanceof Misfit ? undefined : scalarText(value as Scalar);
    },
  };
}

/** The text of what identifies a record; undefined: nothing does. */
export function keyReader(
  key: readonly string[],
  columns: readonly RecordColumn[],
): ((record: JsonValue) => string) | undefined {
  if (key.length === 0) return undefined;
  const paths = key.flatMap((name) => columns.filter((each) => each.name === name).map(stepsOf));
  const [first, ...others] = paths;
  return (record) => {
    const value = first && others.length === 0 ? valueAtPath(jsonAccess, record, first) : undefined;
    // The usual key, without the detour.
    if (typeof value === 'number') return `["${value}"]`;
    return JSON.stringify(
      paths.map((steps) => {
        const part = valueAtPath(jsonAccess, record, steps);
        return part === undefined ? null : jsonAccess.json(part);
      }),
    );
  };
}
