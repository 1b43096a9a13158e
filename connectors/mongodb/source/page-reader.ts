import type { Document, FindCursor } from 'mongodb';
import type { BatchLimits } from '../../../core/batch.ts';
import { protocolError } from '../../../core/error-class.ts';
import { asBuffer } from '../describe.ts';
import { longMs, type Session } from '../session.ts';
import { all, type OrderField, type Step } from './key-order.ts';

/** Documents of a range, cut at the limits of a batch. */
export interface Page {
  readonly documents: readonly Buffer[];
  readonly byteCount: number;
}

export interface PageQuery {
  readonly collection: string;
  readonly filter: Document | undefined;
  readonly projection: Document | undefined;
  readonly fields: readonly OrderField[];
  readonly limits: BatchLimits;
}

/** So many documents at most are asked for at once; the server ends an answer at 16 MiB. */
const mostFetched = 10_000;

/** The documents of these statements, one after the other. Cursors are closed when the caller stops. */
export async function* readPages(
  session: Session,
  { collection, filter, projection, limits }: PageQuery,
  steps: readonly Step[],
  signal: AbortSignal,
): AsyncGenerator<Page, void> {
  let documents: Buffer[] = [];
  let byteCount = 0;
  const query = { collection, filter, projection, limits };
  for await (const fetched of fetchesOf(session, query, steps, signal)) {
    for (const each of fetched) {
      const document = asBuffer(each);
      const isFull = documents.length >= limits.maxRows || byteCount + document.length > limits.maxBytes;
      if (isFull && documents.length > 0) {
        yield { documents, byteCount };
        documents = [];
        byteCount = 0;
      }
      documents.push(document);
      byteCount += document.length;
    }
  }
  if (documents.length > 0) yield { documents, byteCount };
}

/** What each answer of the server has. */
async function* fetchesOf(
  session: Session,
  { collection, filter, projection, limits }: Omit<PageQuery, 'fields'>,
  steps: readonly Step[],
  signal: AbortSignal,
): AsyncGenerator<readonly Uint8Array[], void> {
  const batchSize = Math.min(limits.maxRows, mostFetched);
  for (const step of steps) {
    const cursor = session.collection(collection).find(all([filter ?? {}, step.filter]), {
      sort: step.sort,
      ...(projection && { projection }),
      batchSize,
      allowDiskUse: true,
      maxTimeMS: longMs,
      raw: true,
    });
    try {
      for (;;) {
        const fetched = await session.guard(() => fetchNext(cursor, session.where, batchSize), signal);
        if (!fetched) break;
        yield fetched;
      }
    } finally {
      if (!session.isLost) await cursor.close().catch(() => {});
    }
  }
}

/**
 * Of an answer with the documents that were asked for: the driver makes an object of some hundred bytes for each of them. Undefined: there
 * are no more.
 */
async function fetchNext(
  cursor: FindCursor,
  where: string,
  batchSize: number,
): Promise<readonly Uint8Array[] | undefined> {
  if (!(await cursor.hasNext())) return undefined;
  const count = cursor.bufferedCount();
  if (count > batchSize)
    throw protocolError(where, new Error(`${count} documents, where ${batchSize} were asked for`));
  return cursor.readBufferedDocuments() as unknown as readonly Uint8Array[];
}
