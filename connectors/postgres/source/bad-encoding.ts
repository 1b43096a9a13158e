import { IdraError, permanent } from '../../../core/errors.ts';
import type { Relation } from '../../../core/values.ts';
import { type Range, selectRange } from '../../sql/source/keyset.ts';
import { readRows } from '../connection/read-only.ts';
import type { Names } from '../connection/search-path.ts';
import { sqlState } from '../errors.ts';
import type { Session } from '../session.ts';
import { dialect } from '../types/literals.ts';

/** Text that is invalid in the session's encoding: character_not_in_repertoire, untranslatable_character. */
const badText = new Set(['22021', '22P05']);

interface BadRead {
  readonly from: string;
  readonly names: Names;
  readonly range: Range;
  readonly relation: Relation;
}

/** The error of a read, with the column whose text cannot be sent. The server does not report the column, so each column is read alone. */
export async function withBadColumn(
  thrown: unknown,
  session: Session,
  { from, names, range, relation }: BadRead,
  signal: AbortSignal,
): Promise<unknown> {
  const state = thrown instanceof IdraError ? sqlState(thrown.cause) : undefined;
  if (state === undefined || !badText.has(state)) return thrown;
  for (const column of range.columns) {
    const sql = selectRange(dialect, from, { ...range, columns: [column] }, { format: 'values' });
    try {
      await session.abortable(() => readRows(session, sql, names), signal);
    } catch (refused) {
      if (!badText.has(sqlState(refused) ?? '')) return thrown;
      return permanent(
        'ValueNotKept',
        `column ${column.name} of ${relation.name} holds a text that cannot be sent as UTF-8: the server of the source does not know its encoding, or it has no such character`,
        {
          path: 'spec.source',
          fix: `correct the text, or read its bytes by source.query: convert_to(${dialect.quote(column.name)}, 'SQL_ASCII')`,
          cause: refused,
        },
      );
    }
  }
  return thrown;
}
