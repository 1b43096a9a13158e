import type { DocumentSystemName, FuzzSystem, Statements } from './system.ts';

/** Commands as Extended JSON. BEGIN, COMMIT and ROLLBACK are transactions of the session (document-session.ts). */
const statements: Statements = {
  begin: 'BEGIN',
  rollback: 'ROLLBACK',
  insert: (into, _names, rows) => command({ insert: into, documents: raw(list(rows.map(documentText))) }),
  update: (table, set, rows) => updateMany(table, rows, `{"$set":${documentText(set)}}`),
  delete: (table, rows) =>
    command({ delete: table, deletes: raw(list(rows.map((row) => `{"q":{"r":${row}},"limit":0}`))) }),
};

export function mongodb(name: DocumentSystemName): FuzzSystem {
  return { name, statements, settings: [], hasPrepared: false, showsOpenTransactions: false };
}

/** `change`: operators or a whole document. */
export function updateMany(table: string, rows: readonly number[], change: string): string {
  const isWhole = !change.startsWith('{"$');
  // A document is changed once, so that nobody can see a state that the tester has not.
  const updates = [...new Set(rows)].map((row) => `{"q":{"r":${row}},"u":${change},"multi":${!isWhole}}`);
  return command({ update: table, updates: raw(list(updates)) });
}

/** Changes all documents. */
export function updateAll(table: string, change: string): string {
  return command({ update: table, updates: raw(list([`{"q":{},"u":${change},"multi":true}`])) });
}

export function deleteAll(table: string): string {
  return command({ delete: table, deletes: raw('[{"q":{},"limit":0}]') });
}

/** Literals by field. */
export function documentText(fields: Readonly<Record<string, string>>): string {
  const members = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return `{${members.join(',')}}`;
}

class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function raw(text: string): Raw {
  return new Raw(text);
}

export function command(fields: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(fields).map(
    ([name, value]) => `${JSON.stringify(name)}:${value instanceof Raw ? value.text : JSON.stringify(value)}`,
  );
  return `{${members.join(',')}}`;
}

function list(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}
