import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { removeFolder, tempFolder } from '../../e2e/kit/temp.ts';
import { sqlAbilities, sqlEnd, sqlLacks, type TestDialect } from '../sql/test-end.ts';
import { definition } from './definition.ts';
import { access, execute, query } from './test-harness.ts';

export const systems: readonly TestSystem[] = [
  {
    name: definition.title,
    definition,
    lacks: {
      ...sqlLacks,
      wrongAccess: 'a file has neither address nor password',
      accessWithoutWriting: 'rights are those of the file system',
      slowQuery:
        'the work of a thread cannot be observed elsewhere; stuck-threads.test.ts has endless queries',
      replaceObject: 'a table is its name and its columns: another one with these is the same',
      cutSessions: 'there is no connection to cut',
    },
    waivers: {
      'fence: an owner that is paused before its commit blocks no claim, and its rows are never written':
        'nobody can end the transaction of another process: the claim fails as transient until the file is free',
    },
    hasRawFormat: true,
    open: openSpace,
  },
];

/** Two files, because a file cannot be written while it is read by one statement. */
async function openSpace(): Promise<TestSpace> {
  const folder = await tempFolder('conformance');
  const [from, to] = [dialectOf(join(folder, 's.db')), dialectOf(join(folder, 'd.db'))];
  execute(from.file, 'PRAGMA journal_mode = WAL');
  const [source, destination] = [sqlEnd(access(from.file), from), sqlEnd(access(to.file), to)];
  const abilities: TestSpace['abilities'] = {
    ...sqlAbilities(from, to, (end) => (end === source ? from : to)),
    changeNothing: async (end, table) => {
      await (end === source ? from : to).run(`CREATE INDEX by_body_of_${table} ON ${table} (body); ANALYZE`);
    },
    openLateRow: (table, late, passing) => openLateRow(from.file, table, late, passing),
    countSessions: () => countOpen(folder),
    async leftovers() {
      const rows = await to.run(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '\\_idra\\_%' ESCAPE '\\'",
      );
      return rows.map(([name]) => String(name)).filter((name) => name !== '_idra_commits');
    },
  };
  return { source, destination, abilities, stop: () => removeFolder(folder) };
}

function dialectOf(file: string): TestDialect & { readonly file: string } {
  return {
    file,
    async run(sql) {
      if (sql.startsWith('SELECT')) return query(file, sql).map((row) => row.map(textOf));
      execute(file, sql);
      return [];
    },
    quote: (name) => `"${name}"`,
    columns: ({ key, hasTime, hasNoBody, isCaseless }) => [
      'id INTEGER',
      ...(hasNoBody
        ? []
        : [`body TEXT${isCaseless ? ' COLLATE NOCASE' : ''}${key === 'body' ? ' NOT NULL' : ''}`]),
      ...(hasTime ? ['at DATETIME'] : []),
    ],
    retype: (table) => rebuild(table, '(id INTEGER PRIMARY KEY, body BLOB)'),
    dropKey: (table) => rebuild(table, '(id INTEGER, body TEXT)'),
  };
}

const textOf = (cell: unknown) => (cell === null ? null : String(cell));

function rebuild(table: string, columns: string): string {
  return `CREATE TABLE ${table}_new ${columns}; INSERT INTO ${table}_new SELECT * FROM ${table};
    DROP TABLE ${table}; ALTER TABLE ${table}_new RENAME TO ${table}`;
}

/** The one writer has added a row to the second of the newest existing row. */
async function openLateRow(file: string, table: string, late: number, passing: number) {
  const row = (id: number, body: string) =>
    `INSERT INTO ${table} VALUES (${id}, '${body}', strftime('%Y-%m-%d %H:%M:00', 'now', '-1 minute'))`;
  execute(file, row(passing, 'passing'));
  const writer = new Database(file, { timeout: 0 });
  writer.exec(`BEGIN IMMEDIATE; ${row(late, 'late')}`);
  return {
    async commit() {
      writer.exec('COMMIT');
      writer.close();
    },
  };
}

/** The number of files of this folder that this process has open. */
async function countOpen(folder: string): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map((fd) =>
    readlink(join('/proc/self/fd', fd)).catch(() => ''),
  );
  return (await Promise.all(links)).filter((path) => path.startsWith(folder)).length;
}
