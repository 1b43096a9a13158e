import type { Document } from 'mongodb';
import type { BatchLimits } from '../../../core/batch.ts';
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
  for await (const document of documentsOf(
    session,
    { collection, filter, projection, limits },
    steps,
    signal,
  )) {
    const isFull = documents.length >= limits.maxRows || byteCount + document.length > limits.maxBytes;
    if (isFull && documents.length > 0) {
      yield { documents, byteCount };
      documents = [];
      byteCount = 0;
    }
    documents.push(document);
    byteCount += document.length;
  }
  if (documents.length > 0) yield { documents, byteCount };
}

async function* documentsOf(
  session: Session,
  { collection, filter, projection, limits }: Omit<PageQuery, 'fields'>,
  steps: readonly Step[],
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  for (const step of steps) {
    const cursor = session.collection(collection).find(all([filter ?? {}, step.filter]), {
      sort: step.sort,
      ...(projection && { projection }),
      batchSize: Math.min(limits.maxRows, mostFetched),
      allowDiskUse: true,
      maxTimeMS: longMs,
      raw: true,
    });
    try {
      while (await session.guard(() => cursor.hasNext(), signal))
        for (const each of cursor.readBufferedDocuments()) yield asBuffer(each as unknown as Uint8Array);
    } finally {
      if (!session.isLost) await cursor.close().catch(() => {});
    }
  }
}
