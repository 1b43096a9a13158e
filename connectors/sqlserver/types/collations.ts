import type { WritePlan } from '../../../core/connector.ts';
import { binaryCollation, type CollationOf } from '../destination/ddl.ts';
import type { Session } from '../session.ts';
import { isCollationName } from './column-types.ts';
import { literalText } from './literals.ts';

/** The collation of each text column: that of an existing column, the source's if this server has it, otherwise a binary one. */
export async function collationsFor(
  session: Session,
  plan: WritePlan,
  signal: AbortSignal,
): Promise<CollationOf> {
  const wanted = plan.columns.columns.flatMap(({ existing, source }) => (existing ?? source).collation ?? []);
  const named = [...new Set(wanted)].filter(isCollationName);
  const known = new Set<string>();
  if (named.length > 0) {
    const pages = named.map((each) => `COLLATIONPROPERTY(${literalText(each)}, 'CodePage')`);
    const [row = []] = await session.query(`SELECT ${pages.join(', ')}`, signal);
    for (const [index, each] of named.entries()) if (row[index] !== null) known.add(each);
  }
  return ({ existing, source, isComparedAsBytes }) => {
    const { collation } = existing ?? source;
    return !isComparedAsBytes && collation !== undefined && known.has(collation)
      ? collation
      : binaryCollation;
  };
}
