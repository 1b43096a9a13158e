import type { NativeType, TypeRefusal } from '../../../core/column-plan.ts';
import type { ColumnType } from '../../../core/values.ts';

/** A system whose indexes have a length limit, so that columns of a key need types with one. */
export interface LimitedKeys {
  readonly title: string;
  readonly text: (units: number) => string;
  readonly bytes: (length: number) => string;
  /** The type of a text without limit. */
  readonly openText: string;
  readonly maxUnits: number;
  readonly maxBytes: number;
  /** The length of a key whose type has none. */
  readonly openLength: number;
  /** Units in which the length of a text is declared, at most. */
  readonly unitsPerCharacter: number;
  /** Types of columns that are in no key. */
  readonly plainType: (type: ColumnType) => NativeType | TypeRefusal;
}

/** The type of a key column that is created. */
export function keyType(type: ColumnType, keys: LimitedKeys): NativeType | TypeRefusal {
  const { title, openLength, maxBytes, unitsPerCharacter, plainType } = keys;
  switch (type.kind) {
    case 'text':
      return keyText(type.maxLength === undefined ? type.maxBytes : unitsPerCharacter * type.maxLength, keys);
    case 'enum':
      return keyText(unitsPerCharacter * longest(type.values), keys);
    case 'untyped':
      return { ...keyText(undefined, keys), note: 'numbers arrive as text' };
    case 'bytes':
      if (type.maxLength !== undefined && type.maxLength <= maxBytes)
        return { ddl: keys.bytes(Math.max(1, type.maxLength)) };
      return { ddl: keys.bytes(openLength), misfits: `keys longer than ${openLength} bytes do not fit` };
    case 'interval':
    case 'other':
      return { ...keyText(openLength, keys), note: 'stored as text' };
    case 'json':
    case 'array':
      return { refusal: `a ${type.kind} cannot be part of a key in ${title}` };
    default:
      return withKeyLength(plainType(type), keys);
  }
}

/** A type stored as text without limit gets a length if it is a key. */
function withKeyLength(native: NativeType | TypeRefusal, keys: LimitedKeys): NativeType | TypeRefusal {
  return 'ddl' in native && native.ddl === keys.openText
    ? { ...native, ...keyText(undefined, keys) }
    : native;
}

export function keyText(units: number | undefined, { text, maxUnits, openLength }: LimitedKeys): NativeType {
  if (units !== undefined && units <= maxUnits) return { ddl: text(Math.max(1, units)) };
  return { ddl: text(openLength), misfits: `keys longer than ${openLength} characters do not fit` };
}

export function longest(values: readonly string[]): number {
  return Math.max(1, ...values.map((each) => each.length));
}
