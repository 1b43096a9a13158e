import { permanent } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';

/** A collection that a Sync may name. Throws NameInvalid, OwnTableNamed. */
export function requireCollection(name: string, path: string): string {
  const invalid = (why: string) =>
    permanent(
      'NameInvalid',
      `${name === '' ? 'an empty text' : name} is not the name of a collection: ${why}`,
      {
        path,
        fix: 'write the name as it is in the database; the database is named by the DataSource',
      },
    );
  if (name === '') throw invalid('it is empty');
  if (name.includes('\0') || name.includes('$')) throw invalid('it must not contain $ or a zero character');
  if (name.startsWith('.') || name.endsWith('.')) throw invalid('it begins or ends with a dot');
  if (name.startsWith('system.')) throw invalid('names that begin with system. belong to the server');
  if (isOwnTable(name))
    throw permanent(
      'OwnTableNamed',
      `${name}: names that begin with _idra_ are reserved for collections of Idra`,
      {
        path,
        fix: 'name another collection',
      },
    );
  return name;
}

/** A name as the shell takes it. */
export function shellName(collection: string): string {
  return /^[a-zA-Z]\w*$/.test(collection)
    ? `db.${collection}`
    : `db.getCollection(${JSON.stringify(collection)})`;
}
