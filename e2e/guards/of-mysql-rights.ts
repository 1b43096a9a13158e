// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

/** On MySQL and MariaDB, no row, query or table created by others can run what only Idra's user may run. */
export const ofMysqlRights: readonly Guard[] = [
  {
    name: 'MySQL: a field of another system is only a value',
    file: 'connectors/mysql/destination/row-literals.ts',
    from: "case 'text':\n      return literalText(value);",
    to: "case 'text':\n      return `'${value}'`;",
    caughtBy: {
      test: 'connectors/mysql/destination/row-literals.test.ts',
      only: 'decoded and written again',
    },
  },
  {
    name: 'MySQL: digits of another system are only digits',
    file: 'connectors/mysql/destination/row-literals.ts',
    from: 'if (shape.test(value)) return value;',
    to: 'if (shape) return value;',
    caughtBy: { test: 'connectors/mysql/destination/row-literals.test.ts', only: 'hexadecimal digits' },
  },
  {
    name: 'MySQL: the text of a query is proven to be one statement before it is embedded in another',
    file: 'connectors/mysql/fingerprint.ts',
    from: "if ('query' in object) await requireOneSelect(session, object.query, signal);",
    to: '',
    caughtBy: { test: 'connectors/mysql/source/hostile-query.test.ts', only: 'more than one SELECT' },
  },
  {
    name: 'MySQL: a statement without columns is not a query',
    file: 'connectors/mysql/source/one-statement.ts',
    from: 'if (columns === 0) {',
    to: 'if (columns < 0) {',
    caughtBy: { test: 'connectors/mysql/source/hostile-query.test.ts', only: 'proves a query by itself' },
  },
  {
    name: 'MySQL: a session only reads until it is allowed to write',
    file: 'connectors/mysql/connection/settings.ts',
    from: "name: 'transaction_read_only',\n    value: '1',",
    to: "name: 'transaction_read_only',\n    value: '0',",
    caughtBy: { test: 'connectors/mysql/source/hostile-query.test.ts', only: 'only after mayWrite' },
  },
  {
    name: 'MySQL: objects of users are read in transactions that cannot write',
    file: 'connectors/mysql/connection/read-only.ts',
    from: 'START TRANSACTION READ ONLY`',
    to: 'START TRANSACTION`',
    caughtBy: { test: 'connectors/mysql/source/hostile-query.test.ts', only: 'functions that write' },
  },
  {
    name: 'MySQL: the table of commit rows is like one that Idra creates',
    file: 'connectors/mysql/destination/own-tables.ts',
    from: 'if (faults.length > 0) throw unsafe(name, faults);',
    to: '',
    caughtBy: {
      test: 'connectors/mysql/destination/own-tables.test.ts',
      only: 'under the name of the commit table',
    },
  },
  {
    name: 'MySQL: a shadow has no objects attached to it',
    file: 'connectors/mysql/destination/replace.ts',
    from: "await requireOwnTable(this.#session, this.#shadow, 'shadow', signal);",
    to: '',
    caughtBy: { test: 'connectors/mysql/destination/own-tables.test.ts', only: 'a shadow' },
  },
  {
    name: 'MySQL: no view answers for the table of commit rows',
    file: 'connectors/mysql/destination/commit-rows.ts',
    from: 'this.#plain = `${this.#name} ${plainTable.byKey}`;',
    to: 'this.#plain = this.#name;',
    caughtBy: {
      test: 'connectors/mysql/destination/own-tables.test.ts',
      only: 'every statement about commit rows',
    },
  },
  {
    name: 'MySQL: no view answers for the target',
    file: 'connectors/mysql/destination/target-shape.ts',
    from: ' ${plainTable.withoutKey} LIMIT 0 FOR UPDATE',
    to: ' LIMIT 0 FOR UPDATE',
    caughtBy: { test: 'connectors/mysql/destination/own-tables.test.ts', only: 'name of the target later' },
  },
  {
    name: 'MySQL: a session reads literals as Idra writes them',
    file: 'connectors/mysql/connection/server-facts.ts',
    from: 'throw settingsNotKept(where);',
    to: '{}',
    caughtBy: { test: 'connectors/mysql/connection/server-facts.test.ts', only: 'end its own literal' },
  },
];
