import type { Finding } from './errors.ts';

/** How a system treats the names of tables and columns. */
export interface NameRules {
  /** Longer names are truncated or refused by the system. */
  readonly maxLength?: number;
  readonly unit: 'bytes' | 'characters';
  /** Two names are the same for the system if their folded forms are equal. */
  fold(name: string): string;
  /** Splits the name of an object into its parts: schema and table. */
  partsOf(object: string): readonly string[];
}

interface LongName {
  readonly name: string;
  /** The kind of object that has the name, for the message. */
  readonly what: string;
  readonly names: NameRules;
  readonly path: string;
  readonly fix: string;
}

/** Undefined: the system keeps the name unchanged. */
export function nameTooLong({ name, what, names, path, fix }: LongName): Finding | undefined {
  const length = names.unit === 'bytes' ? Buffer.byteLength(name) : [...name].length;
  if (names.maxLength === undefined || length <= names.maxLength) return undefined;
  return {
    severity: 'error',
    code: 'NameTooLong',
    path,
    message: `the name of ${what} has ${length} ${names.unit}, and the destination allows ${names.maxLength}`,
    fix,
  };
}

export function namesCollide(name: string, twin: string, path: string, fix: string): Finding {
  return {
    severity: 'error',
    code: 'NamesCollide',
    path,
    message: `the destination treats the names of columns ${twin} and ${name} as equal`,
    fix,
  };
}
