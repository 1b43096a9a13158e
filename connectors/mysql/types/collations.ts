import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType } from '../../../core/values.ts';
import { type CollationOf, charsetOf } from '../destination/ddl.ts';
import type { Session } from '../session.ts';

/** The collation of each text column: that of an existing column, the source's if this server has it, otherwise a binary one. */
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

/**
 * Whether a collation compares as bytes, including trailing blanks. MySQL's utf8mb4_0900_bin does; every other `_bin` collation of MySQL
 * pads.
 */
export function isExact(collation: string): boolean {
  return collation === 'binary' || collation === 'utf8mb4_0900_bin' || collation.endsWith('_nopad_bin');
}

/** The rule by which different values of a column are equal (core/values.ts). */
export function equalityOf(type: ColumnType, collation: string | null | undefined): string | undefined {
  if (!collation || isExact(collation) || !isCollated(type)) return undefined;
  // CHAR never stores trailing blanks, so padding makes no two of its values equal.
  if (type.kind === 'text' && type.isFixed && collation.endsWith('_bin')) return undefined;
  return `mysql:${collation}`;
}

/** Labels of an ENUM and members of a SET are stored as numbers. */
function isCollated(type: ColumnType): boolean {
  return type.kind === 'text' || type.kind === 'json';
}
