// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

/** At MySQL and MariaDB, neither a row nor a query nor a table that others have made runs what Idra's user alone may run. */
export const ofMysqlRights: readonly Guard[] = [
  {
    name: 'MySQL: a field of another system is a value and nothing else',
    file: 'connectors/mysql/row-literals.ts',
    from: "case 'text':\n      return literalText(value);",
    to: "case 'text':\n      return `'${value}'`;",
    caughtBy: { test: 'connectors/mysql/row-literals.test.ts', only: 'decoded and written again' },
  },
  {
    name: 'MySQL: digits of another system are digits and nothing else',
    file: 'connectors/mysql/row-literals.ts',
    from: 'if (shape.test(value)) return value;',
    to: 'if (shape) return value;',
    caughtBy: { test: 'connectors/mysql/row-literals.test.ts', only: 'hexadecimal digits' },
  },
];
