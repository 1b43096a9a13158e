import type { Finding } from './errors.ts';

/** What a system makes of the names of tables and columns. */
export interface NameRules {
  /** Longer ones are cut off or refused by the system. */
  readonly maxLength?: number;
  readonly unit: 'bytes' | 'characters';
  /** Two names are one for the system when this is equal. */
  fold(name: string): string;
  /** Parts of the name of an object, each of which is a name: schema and table. */
  partsOf(object: string): readonly string[];
}

interface LongName {
  readonly name: string;
  /** What has it, for the message. */
  readonly what: string;
  readonly names: NameRules;
  readonly path: string;
  readonly mend: string;
}

/** Undefined: the system keeps the name as it is. */
export function nameTooLong({ name, what, names, path, mend }: LongName): Finding | undefined {
  const length = names.unit === 'bytes' ? Buffer.byteLength(name) : [...name].length;
  if (names.maxLength === undefined || length <= names.maxLength) return undefined;
  return {
    severity: 'error',
    code: 'NameTooLong',
    path,
    message: `the name of ${what} has ${length} ${names.unit}, and the destination keeps ${names.maxLength}`,
    mend,
  };
}

export function namesCollide(name: string, twin: string, path: string, mend: string): Finding {
  return {
    severity: 'error',
    code: 'NamesCollide',
    path,
    message: `columns ${twin} and ${name} have one name for the destination`,
    mend,
  };
}
