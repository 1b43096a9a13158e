import { commitTableName } from '../../sql/destination/commit-table.ts';
import { ownTableUnsafe } from '../../sql/destination/own-tables.ts';
import { type CollectionInfo, findCollection, listIndexes } from '../describe.ts';
import { code, isCode } from '../errors.ts';
import { shellName } from '../names.ts';
import type { Session } from '../session.ts';

/** Options that change what is stored in a collection, or how it is compared. */
const harmless: ReadonlySet<string> = new Set([
  'autoIndexId',
  'uuid',
  'storageEngine',
  'changeStreamPreAndPostImages',
  'idIndex',
]);

/**
 * Whether `_idra_commits` exists. Throws OwnTableUnsafe if it is not a collection as Idra creates it: a view would show other documents, a
 * capped one or one with a time limit would lose them, and a validator or a unique index could refuse them.
 */
export async function requireOwnCollection(session: Session, signal: AbortSignal): Promise<boolean> {
  const found = await findCollection(session, commitTableName, signal);
  if (!found) return false;
  const faults = faultsOf(found);
  if (found.kind === 'collection' && faults.length === 0)
    faults.push(...(await indexFaults(session, signal)));
  if (faults.length === 0) return true;
  throw ownTableUnsafe(
    commitTableName,
    faults,
    `find out who created it; if no Sync stores its offset in it: ${shellName(commitTableName)}.drop()`,
  );
}

function faultsOf({ kind, options }: CollectionInfo): string[] {
  if (kind !== 'collection') return [kind === 'view' ? 'is a view' : 'is a time series'];
  const set = Object.entries(options).filter(([name, value]) => !harmless.has(name) && isSet(value));
  return set.map(([name]) => `has the option ${name}`);
}

function isSet(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined;
}

async function indexFaults(session: Session, signal: AbortSignal): Promise<string[]> {
  const indexes = await listIndexes(session, commitTableName, signal);
  const odd = indexes.filter(
    ({ name, definition }) =>
      name !== '_id_' && (definition.unique || definition.expireAfterSeconds !== undefined),
  );
  return odd.map(
    ({ name, definition }) =>
      `has the ${definition.unique ? 'unique index' : 'index with a time limit'} ${name}`,
  );
}

export async function createOwnCollection(session: Session, signal: AbortSignal): Promise<void> {
  if (await requireOwnCollection(session, signal)) return;
  try {
    await session.abortable(() => session.database.command({ create: commitTableName }), signal);
  } catch (thrown) {
    if (!isCode(thrown, code.namespaceExists)) throw session.classified(thrown);
  }
  await requireOwnCollection(session, signal);
}
