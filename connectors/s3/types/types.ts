import type { Acceptance, ColumnUse, NativeType, TypeRefusal, TypeTable } from '../../../core/column-plan.ts';
import { formatType } from '../../../core/records/type-text.ts';
import type { Column, ColumnType } from '../../../core/values.ts';

/**
 * Objects have no types of their own but those of their format: a column is described by its canonical type, which the manifest keeps. How
 * each format stores it is in docs/s3.md.
 */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: ({ type }) =>
    type.kind === 'json' || type.kind === 'array' ? 'its values have no order' : undefined,
  orderOf: () => undefined,
  names: { unit: 'bytes', fold: (name) => name, partsOf: (name) => [name] },
};

function columnFor(type: ColumnType, _use: ColumnUse): NativeType | TypeRefusal {
  switch (type.kind) {
    case 'enum':
      return { ddl: 'text', note: 'the values are kept, the list of allowed values is not' };
    case 'other':
      return { ddl: 'text', note: `kept as the text that ${type.system} gives` };
    case 'untyped':
      return { ddl: 'json', note: 'each value is kept as JSON' };
    case 'float':
      return { ddl: textOf(type), misfits: 'JSON has neither NaN nor infinities', isRare: true };
    case 'decimal':
      return { ddl: textOf(type), ...decimalNotes(type) };
    case 'date':
    case 'timestamp':
      return {
        ddl: textOf(plain(type)),
        misfits: 'years outside of 1 to 9999 and infinities are not kept',
        isRare: true,
      };
    default:
      return { ddl: textOf(plain(type)) };
  }
}

/** Zero dates of MySQL, times of more than a day and the like are texts or do not fit. */
function plain(type: ColumnType): ColumnType {
  switch (type.kind) {
    case 'date':
      return { kind: 'date' };
    case 'timestamp':
      return { kind: 'timestamp', precision: type.precision, hasZone: type.hasZone };
    case 'time':
      return type.isDuration ? { kind: 'text' } : type;
    case 'text':
      return type.maxBytes === undefined ? type : { kind: 'text' };
    case 'array':
      return { kind: 'array', of: plain(type.of) };
    case 'other':
    case 'enum':
      return { kind: 'text' };
    case 'untyped':
      return { kind: 'json' };
    default:
      return type;
  }
}

function decimalNotes({
  precision,
}: Extract<ColumnType, { kind: 'decimal' }>): Pick<NativeType, 'note' | 'misfits' | 'isRare'> {
  if (precision !== undefined && precision <= 38)
    return { misfits: 'NaN and infinities are not kept', isRare: true };
  return {
    note: 'in Parquet kept as text, because its decimals have at most 38 digits and always a scale',
    misfits: 'JSON has neither NaN nor infinities',
    isRare: true,
  };
}

function textOf(type: ColumnType): string {
  return formatType(type) ?? 'text';
}

/** Objects of one prefix have one type for a column, so that readers can take them together. */
function accepts(existing: Column, type: ColumnType, use: ColumnUse): Acceptance {
  const native = columnFor(type, use);
  if ('refusal' in native) return { isAccepted: false, reason: native.refusal };
  if (existing.nativeType === native.ddl) {
    const { note, misfits, isRare } = native;
    return {
      isAccepted: true,
      ...(note && { note }),
      ...(misfits && { misfits }),
      ...(isRare && { isRare }),
    };
  }
  return {
    isAccepted: false,
    reason: `the objects written before have ${existing.nativeType}, and this is ${native.ddl}`,
  };
}
