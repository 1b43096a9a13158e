import type { WritePlan } from '../../../core/connector.ts';
import { asBuffer } from '../describe.ts';
import type { Session } from '../session.ts';
import { documentValue, fieldOf } from '../types/format.ts';
import { driverValue } from '../types/key-text.ts';
import type { EncodedRows } from '../types/row-encoder.ts';
import { isDuplicate, putRows, type RowRejection, type WriteStrategy } from './batch-writer.ts';
import type { BulkTarget } from './bulk-load.ts';
import { idName } from './document-keys.ts';
import type { WriteTransactions } from './write-transaction.ts';

/** Rows were refused, so that the transaction must not be committed. */
export class RowsRefused extends Error {
  readonly rejections: readonly RowRejection[];

  constructor(rejections: readonly RowRejection[]) {
    super('rows were refused');
    this.rejections = rejections;
  }
}

/**
 * A refused document ends its transaction, and the ones behind it are not tried. Finds all of a batch in transactions that are rolled back,
 * each of which goes on behind the last refused one.
 */
export async function refusedRows(
  transactions: WriteTransactions,
  target: BulkTarget,
  rows: EncodedRows,
  indexes: readonly number[],
  how: { readonly strategy: WriteStrategy; readonly plan: WritePlan },
): Promise<readonly RowRejection[]> {
  const found: RowRejection[] = [];
  let rest = indexes;
  while (rest.length > 0) {
    transactions.begin();
    try {
      const { rejections } = await putRows(target, rows, rest, how);
      const [first] = rejections;
      if (!first) return found;
      found.push(first);
      rest = rest.slice(rest.indexOf(first.index) + 1);
    } finally {
      await transactions.abort();
    }
  }
  return found;
}

/** Rows that were refused because their document is already there, with the same content: an earlier attempt has written them. */
export async function sameDocuments(
  session: Session,
  collection: string,
  rows: EncodedRows,
  rejections: readonly RowRejection[],
): Promise<ReadonlySet<number>> {
  const same = new Set<number>();
  for (const each of rejections.filter(isDuplicate)) {
    const document = rows.document(each.index);
    const id = fieldOf(documentValue(Buffer.from(document)), idName);
    if (!id) continue;
    const found = await session
      .collection(collection)
      .findOne({ _id: driverValue(id) as never }, { raw: true });
    if (found && asBuffer(found as unknown as Uint8Array).equals(document)) same.add(each.index);
  }
  return same;
}
