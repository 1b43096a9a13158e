import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { type IdraError, permanent } from '../../../core/errors.ts';
import { scalarText } from '../../../core/offset.ts';
import { describeRejection, nameRow } from '../../../core/row-name.ts';
import type { Row, Value } from '../../../core/values.ts';

/** `id 42`: how messages name this row of a batch; undefined without a key. */
export function rowName({ key, columns, redactsKeys }: WritePlan, row: Row): string | undefined {
  const values = key.map((name) => row[columns.columns.findIndex((each) => each.name === name)] ?? null);
  return nameRow({ columns: key, values: values.map(valueText) }, redactsKeys);
}

function valueText(value: Value): string | null {
  if (value === null) return null;
  return Array.isArray(value) ? JSON.stringify(value.map(String)) : scalarText(value as ScalarValue);
}

type ScalarValue = Exclude<Value, null | readonly unknown[]>;

export function namedAs(row: string | undefined): Pick<Rejection, 'row'> {
  return row === undefined ? {} : { row };
}

/** The error that stops a Sync with onError Stop. `where` is the table or system. */
export function refusedRow(rejection: Rejection, where: string, cause?: unknown): IdraError {
  return permanent(rejection.code, `${where} refuses a row: ${describeRejection(rejection)}`, {
    path: 'spec.onError',
    fix: 'correct the row at the source or the table at the destination, or set onError to Skip',
    cause,
  });
}
