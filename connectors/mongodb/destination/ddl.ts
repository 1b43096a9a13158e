import type { Document } from 'mongodb';
import type { WritePlan } from '../../../core/connector.ts';
import { commitTableName } from '../../sql/destination/commit-table.ts';
import { code, isCode } from '../errors.ts';
import { shellName } from '../names.ts';
import type { Session } from '../session.ts';
import { type IdForm, idName } from './document-keys.ts';

/** The unique index that a new collection needs; undefined: its documents are found by `_id`. */
export function keyIndexOf({ key, hasUniqueKey }: WritePlan, form: IdForm): Document | undefined {
  if (form !== 'own' || !hasUniqueKey || key.length === 0 || key.join() === idName) return undefined;
  return {
    key: Object.fromEntries(key.map((name) => [name, 1])),
    name: `${key.join('_')}_key`,
    unique: true,
  };
}

export function createStatements(collection: string, plan: WritePlan, form: IdForm): readonly string[] {
  const index = keyIndexOf(plan, form);
  const { key, unique } = index ?? {};
  return [
    `db.createCollection("${commitTableName}")`,
    ...(plan.existing ? [] : [`db.createCollection(${JSON.stringify(collection)})`]),
    ...(index && !plan.existing
      ? [`${shellName(collection)}.createIndex(${JSON.stringify(key)}, ${JSON.stringify({ unique })})`]
      : []),
  ];
}

/** False: it exists already. */
export async function createCollection(
  session: Session,
  name: string,
  options: Document = {},
): Promise<boolean> {
  try {
    await session.database.command({ create: name, ...options });
    return true;
  } catch (thrown) {
    if (isCode(thrown, code.namespaceExists)) return false;
    throw thrown;
  }
}

const indexMs = 10 * 60_000;

export async function createIndexes(
  session: Session,
  collection: string,
  indexes: readonly Document[],
): Promise<void> {
  if (indexes.length === 0) return;
  await session.database.command({ createIndexes: collection, indexes, maxTimeMS: indexMs });
}

export async function dropCollection(session: Session, name: string): Promise<void> {
  try {
    await session.database.command({ drop: name });
  } catch (thrown) {
    if (!isCode(thrown, code.namespaceNotFound)) throw thrown;
  }
}

/** Atomic. False: there is no collection of the first name. */
export async function renameCollection(
  session: Session,
  from: string,
  to: string,
  isReplacing: boolean,
): Promise<boolean> {
  const { databaseName } = session.database;
  const command = {
    renameCollection: `${databaseName}.${from}`,
    to: `${databaseName}.${to}`,
    dropTarget: isReplacing,
  };
  try {
    await session.admin.command(command);
    return true;
  } catch (thrown) {
    if (isCode(thrown, code.namespaceNotFound)) return false;
    throw thrown;
  }
}
