import { permanent } from '../../core/errors.ts';
import { splitTable } from '../sql/names.ts';

/** The table that a name in a manifest refers to. */
export function tableName(name: string, path: string): string {
  const { schema = 'main', table } = splitTable(name, path, { title: 'SQLite', form: 'main.table' });
  if (schema.toLowerCase() === 'main') return table;
  throw permanent('NameInvalid', `"${name}" names a schema, and a SQLite file has only main`, {
    path,
    fix: 'write the name of the table alone',
  });
}
