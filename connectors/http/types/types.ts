import type { TypeTable } from '../../../core/column-plan.ts';
import type { ColumnType } from '../../../core/values.ts';

/** Every type has a form in JSON (docs/columns.md, canonical JSON). */
export const types: TypeTable = {
  columnFor: (type) => ({ ddl: 'json', ...notesOf(type) }),
  accepts: (_existing, type) => ({ isAccepted: true, ...notesOf(type) }),
  keyRefusal: ({ type: { kind } }) =>
    kind === 'json' || kind === 'array' ? 'objects and arrays have no order' : undefined,
  orderOf: () => undefined,
  names: { unit: 'bytes', fold: (name) => name, partsOf: (name) => [name] },
};

function notesOf(type: ColumnType): { note?: string; misfits?: string; isRare?: true } {
  switch (type.kind) {
    case 'bytes':
      return { note: 'written as base64 text' };
    case 'float':
      return { misfits: 'NaN and infinities do not exist in JSON', isRare: true };
    case 'decimal':
      return { misfits: 'NaN and infinities do not exist in JSON', isRare: true };
    case 'date':
    case 'timestamp':
      return { misfits: 'infinities and years outside of 1 to 9999 have no form in ISO 8601', isRare: true };
    default:
      return {};
  }
}
