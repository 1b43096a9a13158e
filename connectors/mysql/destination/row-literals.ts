import { permanent } from '../../../core/errors.ts';
import { RowError } from '../errors.ts';
import type { Form, LoadColumn } from '../types/encode.ts';
import { literalText } from '../types/literals.ts';
import { fieldsOf, plainField } from '../types/tsv-lines.ts';

/** As PostgreSQL writes the largest float, rounded up, and as it is. */
export const largestFloat = ['3.4028235e+38', '3.4028234663852886e38'] as const;

/** A value that reads as its type; RowError's text for one that does not. */
const wrongValue = 1_366;

/**
 * One line as a row of VALUES. The line may come from another system as it is: each field is decoded and written again as a literal of
 * this one, or must have the shape of its form, so that no field can be more than a value.
 */
export function rowLiteral(line: Buffer, columns: readonly Pick<LoadColumn, 'name' | 'form'>[]): string {
  const fields = fieldsOf(line);
  if (fields.length !== columns.length)
    throw rowsBroken(`a row of ${fields.length} fields where it has ${columns.length}`);
  const literals = columns.map(({ name, form }, index) => {
    const value = plainField(fields[index] ?? '');
    return value === null ? 'NULL' : literalOf(value, form, name);
  });
  return `(${literals.join()})`;
}

function literalOf(value: string, form: Form, name: string): string {
  switch (form) {
    case 'hex':
      return `x'${shaped(value, /^(?:[0-9A-Fa-f]{2})*$/, name)}'`;
    case 'bits':
      return `b'${shaped(value, /^[01]*$/, name)}'`;
    case 'float':
      return literalText(floatText(value));
    case 'text':
      return literalText(value);
  }
}

function shaped(value: string, shape: RegExp, name: string): string {
  if (shape.test(value)) return value;
  throw new RowError(wrongValue, `Incorrect value for column '${name}'`);
}

function floatText(value: string): string {
  const [written, exact] = largestFloat;
  return value.replace('-', '') === written ? value.replace(written, exact) : value;
}

/** Rows that come from another system in a raw format are not in that form. */
export function rowsBroken(what: string): Error {
  return permanent('ProtocolBroken', `the source sends ${what}`, {
    mend: 'check that the DataSource of the source is the server that it should be, and that nothing between changes what it sends',
  });
}
