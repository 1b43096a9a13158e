import { permanent } from '../../../core/errors.ts';
import { RowError } from '../errors.ts';
import type { Form, LoadColumn } from '../types/encode.ts';
import { literalText } from '../types/literals.ts';
import { fieldsOf, plainField } from '../types/tsv-lines.ts';

/** The largest float: rounded up, as PostgreSQL writes it, and exact. */
export const largestFloat = ['3.4028235e+38', '3.4028234663852886e38'] as const;

/** Error number of a value that is invalid for its type. */
const wrongValue = 1_366;

/**
 * One line as a row of VALUES. The line may come unchanged from another system. Each field is decoded and written as a literal of this
 * system, or must match the pattern of its form, so that no field can be more than a value.
 */
export function rowLiteral(line: Buffer, columns: readonly Pick<LoadColumn, 'name' | 'form'>[]): string {
  const fields = fieldsOf(line);
  if (fields.length !== columns.length)
    throw rowsBroken(`a row of ${fields.length} fields instead of ${columns.length}`);
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

/** Rows from another system in a raw format do not match that format. */
export function rowsBroken(what: string): Error {
  return permanent('ProtocolBroken', `the source sends ${what}`, {
    fix: 'check that the DataSource of the source points to the intended server, and that no proxy changes its traffic',
  });
}
