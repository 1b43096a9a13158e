import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { permanent, transient } from '../../../core/errors.ts';
import { causeOf, isMissing, isOtherVersion, toIdraError } from '../errors.ts';

/** Content of an object that arrives as it is read. */
export interface ObjectBody {
  readonly etag: string;
  readonly size: number;
  readonly contentType?: string | undefined;
  readonly chunks: AsyncIterable<Buffer>;
  /** Ends the transfer. */
  close(): void;
}

export interface ReadRange {
  readonly etag?: string | undefined;
  readonly start?: number;
  readonly end?: number | undefined;
}

/** Sends a command, and throws errors of Idra. */
type Run = <T>(action: string, signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** The content of objects, as streams. */
export class ObjectContents {
  readonly #bucket: string;
  readonly #where: string;
  readonly #client: S3Client;
  readonly #run: Run;

  constructor(bucket: string, where: string, client: S3Client, run: Run) {
    this.#bucket = bucket;
    this.#where = where;
    this.#client = client;
    this.#run = run;
  }

  /**
   * Content from `start`, up to but without `end`. Throws ObjectChanged if the object is not the one with this ETag any more, also if it
   * is gone.
   */
  async read(key: string, range: ReadRange, signal: AbortSignal): Promise<ObjectBody> {
    const first = await this.#transfer(key, range, signal);
    return {
      etag: first.etag,
      size: first.size,
      contentType: first.contentType,
      chunks: this.#chunks(key, first, range.end, signal),
      close() {
        first.isClosed = true;
        (first.current ?? first).body.destroy();
      },
    };
  }

  async #transfer(key: string, { etag, start = 0, end }: ReadRange, signal: AbortSignal): Promise<Transfer> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(etag !== undefined && { IfMatch: etag }),
      ...((start > 0 || end !== undefined) && {
        Range: `bytes=${start}-${end === undefined ? '' : end - 1}`,
      }),
    });
    try {
      const answer = await this.#run(`reading ${key}`, signal, (abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      const body = answer.Body as Transfer['body'] | undefined;
      if (!body) throw transient('ConnectionLost', `${this.#where}: reading ${key} failed (no content)`);
      // Without a listener an error after the last read would end the process.
      body.on('error', () => {});
      if (start > 0 && startOf(answer.ContentRange) !== start) {
        body.destroy();
        throw permanent(
          'RangeIgnored',
          `${this.#where}: the server was asked for ${key} from byte ${start}, and sends another part`,
          { fix: 'check whether the endpoint, or a proxy before it, passes the header Range on' },
        );
      }
      const size = totalOf(answer.ContentRange) ?? answer.ContentLength ?? 0;
      const { ETag: found = '', ContentType: contentType } = answer;
      return { body, etag: found, start, size, contentType, isClosed: false, current: undefined };
    } catch (thrown) {
      const cause = causeOf(thrown);
      if (isMissing(cause) || isOtherVersion(cause)) throw objectChanged(this.#where, key, thrown);
      throw thrown;
    }
  }

  /**
   * The content, also across connections that end: a transfer that waited long for the destination is ended by many servers, and is
   * continued where it was.
   */
  async *#chunks(
    key: string,
    first: Transfer,
    end: number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    let transfer = first;
    let position = first.start;
    try {
      for (let failures = 0; ; ) {
        try {
          for await (const chunk of transfer.body) {
            signal.throwIfAborted();
            position += chunk.length;
            failures = 0;
            yield chunk;
          }
          return;
        } catch (thrown) {
          signal.throwIfAborted();
          const error = toIdraError(thrown, this.#where, `reading ${key}`);
          if (error.disposition !== 'transient' || first.isClosed || ++failures > maxResumes) throw error;
        }
        transfer.body.destroy();
        transfer = await this.#transfer(key, { etag: first.etag, start: position, end }, signal);
        first.current = transfer;
      }
    } finally {
      transfer.body.destroy();
    }
  }
}

/** Without a byte between them. */
const maxResumes = 3;

/** A response whose content arrives. */
interface Transfer {
  readonly body: AsyncIterable<Buffer> & { destroy(): void; on(event: 'error', listener: () => void): void };
  readonly etag: string;
  readonly start: number;
  readonly size: number;
  readonly contentType: string | undefined;
  isClosed: boolean;
  /** What continues it. */
  current: Transfer | undefined;
}

function startOf(range: string | undefined): number | undefined {
  const [, start] = /^bytes (\d+)-/.exec(range ?? '') ?? [];
  return start === undefined ? undefined : Number(start);
}

/** `bytes 0-99/12345`. */
function totalOf(range: string | undefined): number | undefined {
  const [, total] = /\/(\d+)$/.exec(range ?? '') ?? [];
  return total === undefined ? undefined : Number(total);
}

export function objectChanged(where: string, key: string, cause?: unknown): Error {
  return transient('ObjectChanged', `${where}: ${key} was replaced or deleted while it was read`, { cause });
}
