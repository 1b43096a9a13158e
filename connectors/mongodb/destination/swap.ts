import type { Finding } from '../../../core/errors.ts';
import { findCollection } from '../describe.ts';
import type { Session } from '../session.ts';
import { shardKeyOf } from './sharding.ts';

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
  if ((await shardKeyOf(session, name, signal)) !== undefined) {
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
