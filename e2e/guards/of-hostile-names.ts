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
  {
    name: 'a Sync names no table that Idra makes for itself',
    file: 'core/manifest/sync-rules.ts',
    from: 'condition: not(isLike(path, ownTablePattern)),',
    to: "condition: has('destination'),",
    caughtBy: { test: 'core/manifest/reader.test.ts', only: 'does not name' },
  },
  {
    name: 'nor by a spelling that only its server knows',
    file: 'agent/engine/own-table-findings.ts',
    from: "if (!isOwnTable(splitName(name, path).at(-1) ?? '')) return [];",
    to: "if (name !== '') return [];",
    caughtBy: { test: 'agent/engine/rules.test.ts', only: 'a table of ours' },
  },
  {
    name: 'SQLite: commit rows are in a plain table of ours',
    file: 'connectors/sqlite/own-table.ts',
    from: 'if (faults.length === 0) return true;',
    to: 'if (faults.length >= 0) return true;',
    caughtBy: { test: 'connectors/sqlite/hostile-file.test.ts', only: 'in the place of our commit rows' },
  },
  {
    name: 'SQLite: a file is below the folder of its namespace by its real path',
    file: 'connectors/sqlite/allowed-file.ts',
    from: 'if (folder && !isWithin(real, realFolder(folder))) throw outside(file, folder);',
    to: '',
    caughtBy: { test: 'connectors/sqlite/hostile-file.test.ts', only: 'in a cluster a file' },
  },
  {
    name: 'SQLite: a state file is known by what is in it',
    file: 'connectors/sqlite/open-file.ts',
    from: 'requireNoState(database, file);',
    to: '',
    caughtBy: { test: 'connectors/sqlite/hostile-file.test.ts', only: 'a state file' },
  },
  {
    name: 'an agent confines the files of a namespace',
    file: 'agent/file-folder.ts',
    from: "return root === undefined || !isName ? 'none' : { root, namespace };",
    to: "return root === undefined || !isName ? 'none' : { root: '/', namespace: '' };",
    caughtBy: { test: 'agent/file-folder.test.ts' },
  },
  {
    name: 'PostgreSQL: a view is not made again with constants whose type is of others',
    file: 'connectors/postgres/swap.ts',
    from: 'await requireSafeViews(session, oid);',
    to: '',
    caughtBy: { test: 'connectors/postgres/own-tables.test.ts', only: 'checks of fine' },
  },
  {
    name: 'PostgreSQL: commit rows are read from the table that was looked at',
    file: 'connectors/postgres/commit-rows.ts',
    from: "this.#requireSql('ACCESS SHARE')",
    to: "'SELECT'",
    caughtBy: { test: 'connectors/postgres/own-tables.test.ts', only: 'became a view just after' },
  },
  {
    name: 'PostgreSQL: a new table of commit rows is looked at when nobody may add triggers any more',
    file: 'connectors/postgres/commit-rows.ts',
    from: 'put a trigger on it.\n    await this.exists(session, signal);',
    to: 'put a trigger on it.',
    caughtBy: {
      test: 'connectors/postgres/own-tables.test.ts',
      only: 'before the right to do so was taken back',
    },
  },
];
