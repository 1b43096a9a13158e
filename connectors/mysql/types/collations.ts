import type { WritePlan } from '../../../core/connector.ts';
import { type CollationOf, charsetOf } from '../destination/ddl.ts';
import type { Session } from '../session.ts';

/** Which collation each text column gets: that of an existing column, the source's where this server has it, else one of bytes. */
export async function collationsFor(
  session: Session,
  plan: WritePlan,
  signal: AbortSignal,
): Promise<CollationOf> {
  const wanted = plan.columns.columns.map(({ existing, source }) => (existing ?? source).collation);
  const known = new Set<string>();
  for (const collation of new Set(wanted)) {
    if (collation !== undefined && (await isKnown(session, collation, signal))) known.add(collation);
  }
  return ({ existing, source, isComparedAsBytes }) => {
    const { collation } = existing ?? source;
    return !isComparedAsBytes && collation !== undefined && known.has(collation)
      ? collation
      : session.facts.textCollation;
  };
}

async function isKnown(session: Session, collation: string, signal: AbortSignal): Promise<boolean> {
  if (!/^[a-z0-9]+_\w+$/.test(collation)) return false;
  return await session.guard(async () => {
    try {
      await session.run(`SELECT CONVERT('' USING ${charsetOf(collation)}) COLLATE ${collation}`);
      return true;
    } catch (thrown) {
      if (session.isLost) throw thrown;
      return false;
    }
  }, signal);
}
