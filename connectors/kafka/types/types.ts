import type { TypeTable } from '../../../core/column-plan.ts';
import { formatType } from '../../../core/records/type-text.ts';
import { topicNames } from '../names.ts';

/** A message has no columns of its own: every type is written, as its canonical JSON or as a type of Avro. */
export const types: TypeTable = {
  columnFor(type) {
    const ddl = formatType(type);
    if (ddl === undefined) return { ddl: 'text', note: 'written as its text' };
    const misfits = 'JSON has neither NaN nor infinities';
    return type.kind === 'float' || type.kind === 'decimal' ? { ddl, misfits, isRare: true } : { ddl };
  },
  accepts: () => ({ isAccepted: true }),
  keyRefusal: () => undefined,
  orderOf: () => undefined,
  names: topicNames,
};
