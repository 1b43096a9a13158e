import { transient } from '../../core/errors.ts';
import type { DocumentStore, DocumentWrite, StoredDocument } from '../documents.ts';
import { type Tables, writeState } from './tables.ts';

interface DocumentRow {
  readonly key: string;
  readonly value: string;
  readonly version: number;
}

/** Documents in the state file. Each write has a new version, also after a document was deleted. */
export function documentsInFile(tables: Tables): DocumentStore {
  const find = (key: string): StoredDocument | undefined => {
    const row = tables.prepare<[string], DocumentRow>('SELECT * FROM documents WHERE key = ?').get(key);
    return row && documentOf(row);
  };
  return {
    get: async (key) => find(key),
    getAll: async (keys) => keys.map(find),
    async list(prefix, { after = '', limit = -1 } = {}) {
      return tables
        .prepare<[string, string, string, number], DocumentRow>(
          'SELECT * FROM documents WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?',
        )
        .all(prefix, `${prefix}\u{10ffff}`, after, limit)
        .map(documentOf);
    },
    async write(writes) {
      writeState(tables, () => tables.transaction(() => writeAll(tables, writes, find))());
    },
  };
}

function writeAll(
  tables: Tables,
  writes: readonly DocumentWrite[],
  find: (key: string) => StoredDocument | undefined,
): void {
  for (const { key, ifVersion } of writes) {
    if (ifVersion === undefined || (find(key)?.version ?? '') === ifVersion) continue;
    throw transient('Conflict', `${key} was changed meanwhile`, { fix: 'read it again and retry' });
  }
  for (const { key, value } of writes) {
    tables.prepare('DELETE FROM documents WHERE key = ?').run(key);
    if (value === undefined) continue;
    tables.prepare('INSERT INTO documents (key, value) VALUES (?, ?)').run(key, JSON.stringify(value));
  }
}

function documentOf({ key, value, version }: DocumentRow): StoredDocument {
  return { key, value: JSON.parse(value), version: String(version) };
}
