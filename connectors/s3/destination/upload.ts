import { randomBytes } from 'node:crypto';
import { reach } from '../../../core/crash-points.ts';
import { permanent } from '../../../core/errors.ts';
import type { S3Session } from '../session.ts';

/** Content up to this size is written by one call. */
export const partBytes = 16 * 1_024 ** 2;
const attemptField = 'idra-attempt';
/** Names that others have taken: leftovers of a writer that was stopped. */
const maxNames = 100;

export interface Upload {
  /** Without the extension. */
  readonly stem: string;
  readonly extension: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/**
 * Writes a new object and returns its key. An object that is there is never written over: if the name is taken by a writer that lost the Sync,
 * or by a leftover, the next name is.
 */
export async function uploadObject(session: S3Session, upload: Upload, signal: AbortSignal): Promise<string> {
  const attempt = randomBytes(12).toString('hex');
  const options = {
    over: 'none',
    contentType: upload.contentType,
    metadata: { [attemptField]: attempt },
  } as const;
  for (let number = 0; number < maxNames; number++) {
    const key = `${upload.stem}${number === 0 ? '' : `.${number}`}${upload.extension}`;
    const etag =
      upload.bytes.length <= partBytes
        ? await session.put(key, upload.bytes, options, signal)
        : await uploadParts(session, key, upload.bytes, options, signal);
    if (etag !== undefined) return key;
    // A retry of the driver is refused by its own first attempt, whose answer was lost.
    const there = await session.head(key, signal);
    if (there?.metadata?.[attemptField] === attempt) return key;
  }
  throw permanent('Bug', `${session.where}: ${maxNames} objects are named like ${upload.stem}`);
}

/** The ETag of the object; undefined: what `over` demands was not true. */
export async function uploadParts(
  session: S3Session,
  key: string,
  bytes: Buffer,
  options: {
    readonly over: string | 'none';
    readonly contentType: string;
    readonly metadata: Readonly<Record<string, string>>;
  },
  signal: AbortSignal,
): Promise<string | undefined> {
  const upload = await session.uploads.start(key, options, signal);
  let etag: string | undefined;
  try {
    const parts = [];
    for (let at = 0; at < bytes.length; at += partBytes) {
      const part = bytes.subarray(at, at + partBytes);
      parts.push(await session.uploads.putPart(key, upload, parts.length + 1, part, signal));
      await reach('write:before');
    }
    etag = await session.uploads.complete(key, upload, parts, options.over, signal);
    return etag;
  } finally {
    // Also if the signal has fired: what was stored would be paid for until somebody deletes it.
    if (etag === undefined)
      await session.uploads.abort(key, upload, AbortSignal.timeout(30_000)).catch(() => {});
  }
}
