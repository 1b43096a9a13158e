import type { Finding } from '../../../core/errors.ts';
import { IdraError } from '../../../core/errors.ts';
import { findCollection } from '../describe.ts';
import type { Session } from '../session.ts';

const kept =
  /^(validator|validationLevel|validationAction|collation|storageEngine|changeStreamPreAndPostImages|clusteredIndex|uuid|autoIndexId)$/;

/** What a rename of another collection into the place of this one loses, or cannot do. */
export async function replaceFindings(
  session: Session,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const found = await findCollection(session, name, signal);
  if (!found) return [];
  if (await isSharded(session, name, signal)) {
    return [
      {
        severity: 'error',
        code: 'NotKeptByReplace',
        path,
        message: `${name} is sharded, and a collection cannot be renamed into the place of a sharded one`,
        fix: 'use writeMode Upsert',
      },
    ];
  }
  const lost = Object.entries(found.options).filter(
    ([option, value]) => !kept.test(option) && value !== false && value !== null,
  );
  if (lost.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'NotKeptByReplace',
      path,
      message: `Replace makes a new collection ${name} without ${lost.map(([option]) => option).join(', ')}`,
      fix: 'use writeMode Upsert if this is needed',
    },
  ];
}

export async function isSharded(session: Session, name: string, signal: AbortSignal): Promise<boolean> {
  return (await shardKeyOf(session, name, signal)) !== undefined;
}

/** Undefined: it is not sharded, or this user may not know. */
export async function shardKeyOf(
  session: Session,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (session.facts.kind !== 'sharded') return undefined;
  const config = session.config('collections');
  try {
    const found = await session.guard(
      () => config.findOne({ _id: `${session.database.databaseName}.${name}` as never }),
      signal,
    );
    return found && found.dropped !== true && typeof found.key === 'object'
      ? Object.keys(found.key)
      : undefined;
  } catch (thrown) {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent') return undefined;
    throw thrown;
  }
}
