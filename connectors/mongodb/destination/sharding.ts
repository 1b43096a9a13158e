import type { WritePlan } from '../../../core/connector.ts';
import { IdraError, permanent } from '../../../core/errors.ts';
import type { Session } from '../session.ts';
import { type IdForm, idName, isFoundById } from './document-keys.ts';

/** Null: it is sharded, but this user may not know how. Undefined: it is not sharded. */
type ShardKey = readonly string[] | null | undefined;

export async function shardKeyOf(session: Session, name: string, signal: AbortSignal): Promise<ShardKey> {
  if (session.facts.kind !== 'sharded') return undefined;
  const found = await ifPermitted(() =>
    session.guard(
      () =>
        session.config('collections').findOne({ _id: `${session.database.databaseName}.${name}` as never }),
      signal,
    ),
  );
  if (found) return found.dropped !== true && isObject(found.key) ? Object.keys(found.key) : undefined;
  const stats = await ifPermitted(() => session.command({ collStats: name }, signal));
  return stats?.sharded === true ? null : undefined;
}

/** A server finds the shard of an upsert by the shard key, so the key must contain it. */
export async function requireShardKey(
  session: Session,
  name: string,
  { plan, form }: { plan: WritePlan; form: IdForm },
  signal: AbortSignal,
): Promise<void> {
  if (plan.writeMode === 'Append' || form === 'generated') return;
  const shardKey = await shardKeyOf(session, name, signal);
  if (shardKey === undefined) return;
  const path = 'spec.destination.key';
  if (shardKey === null) {
    throw permanent('NoUniqueIndex', `${name} is sharded, and this user may not see its shard key`, {
      path,
      fix: 'db.grantRolesToUser(USER, [{ role: "read", db: "config" }])',
    });
  }
  const key = isFoundById(form, plan) ? [idName, ...plan.key.map((each) => `${idName}.${each}`)] : plan.key;
  const missing = shardKey.filter((field) => !key.includes(field));
  if (missing.length === 0) return;
  throw permanent(
    'NoUniqueIndex',
    `${name} is sharded by ${shardKey.join(', ')}, but documents are found by ${isFoundById(form, plan) ? idName : plan.key.join(', ')}`,
    { path, fix: `name ${shardKey.join(', ')} in destination.key, with a unique index over these fields` },
  );
}

async function ifPermitted<T>(body: () => Promise<T>): Promise<T | undefined> {
  try {
    return await body();
  } catch (thrown) {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent') return undefined;
    throw thrown;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
