import type { Guard } from './guard.ts';

/** What others have named: types, tables, files. */
export const ofHostileNames: readonly Guard[] = [
  {
    name: 'PostgreSQL: what a server calls a type is read by a grammar',
    file: 'connectors/postgres/native-types.ts',
    from: 'if (!parsed) throw typeUnreadable(column, relation, path);',
    to: 'if (!parsed) return text;',
    caughtBy: { test: 'connectors/postgres/type-name.test.ts', only: 'refused by its name' },
  },
  {
    name: 'MySQL: what a server calls a type is read by a grammar',
    file: 'connectors/mysql/native-types.ts',
    from: 'if (!parsed) throw typeUnreadable(column, relation, path);',
    to: 'if (!parsed) return text;',
    caughtBy: { test: 'connectors/mysql/type-name.test.ts', only: 'refused by its name' },
  },
  {
    name: 'SQLite: a declared type that is not plain is quoted',
    file: 'connectors/sqlite/declared-type.ts',
    from: 'return isPlain ? declared : quoteDouble(declared);',
    to: 'return declared;',
    caughtBy: { test: 'connectors/sqlite/declared-type.test.ts', only: 'is one column' },
  },
];
