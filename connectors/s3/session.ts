import {
  DeleteObjectsCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { SystemAccess } from '../../core/connector.ts';
import { permanent, transient } from '../../core/errors.ts';
import { namespaceOf } from '../../core/sync-spec.ts';
import { readConfig, type S3Config } from './config.ts';
import { keyDecoder, urlEncoded } from './connection/key-encoding.ts';
import { type ObjectBody, ObjectContents, type ReadRange } from './connection/object-contents.ts';
import { conditionOf, openClient } from './connection/open.ts';
import { Uploads } from './connection/uploads.ts';
import { causeOf, isMissing, isOtherVersion, toIdraError } from './errors.ts';

export interface ObjectEntry {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
  /** Milliseconds since 1970, by the server. */
  readonly modified: number;
}

export interface ListPage {
  readonly objects: readonly ObjectEntry[];
  /** With a delimiter: what is below one. */
  readonly folders: readonly string[];
  /** Undefined: this is the last page. */
  readonly next: string | undefined;
  /** The clock of the server when it answered. */
  readonly now: number | undefined;
}

export interface ListRequest {
  readonly prefix: string;
  /** Keys after this one; `next` of the page before is faster where the server limits requests. */
  readonly after?: string | undefined;
  readonly next?: string | undefined;
  readonly delimiter?: string;
  readonly maxKeys?: number;
}

export interface PutOptions {
  /** The object must be this one; `none`: there must be no object. */
  readonly over?: string | 'none' | undefined;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Limit of one call, whose answer is small. */
const callTimeoutMs = 150_000;

/** One bucket, through a client of the driver. Every error is one of Idra's, and every call ends when its signal fires. */
export class S3Session {
  readonly config: S3Config;
  /** `bucket orders (team-a/lake)`, for messages. */
  readonly where: string;
  readonly dataSource: string;
  readonly uploads: Uploads;
  readonly #contents: ObjectContents;
  readonly #client: S3Client;
  #isClosed = false;

  constructor(access: SystemAccess) {
    this.config = readConfig(access);
    this.dataSource = access.dataSource;
    this.where = `bucket ${this.config.bucket} (${access.dataSource})`;
    this.#client = openClient(this.config, {
      namespace: namespaceOf(access.dataSource),
      where: this.where,
    });
    this.#contents = new ObjectContents(
      this.config.bucket,
      this.where,
      this.#client,
      (action, signal, send) => this.#run(action, signal, send),
    );
    this.uploads = new Uploads(this.config.bucket, this.where, this.#client, (action, signal, send) =>
      this.#call(action, signal, send),
    );
  }

  get isLost(): boolean {
    return this.#isClosed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#client.destroy();
  }

  async requireBucket(signal: AbortSignal): Promise<void> {
    await this.#call('looking for the bucket', signal, (options) =>
      this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), options),
    ).catch((error: unknown) => {
      if (statusIs(error, 404)) throw bucketNotFound(this.where);
      throw error;
    });
  }

  /** All objects of a prefix, with the time of the server at which they were listed; undefined: it does not say. */
  async *listAll(
    request: Pick<ListRequest, 'prefix' | 'delimiter'>,
    signal: AbortSignal,
  ): AsyncGenerator<ObjectEntry & Pick<ListPage, 'now'>, void> {
    for (let next: string | undefined; ; ) {
      const page = await this.list({ ...request, next }, signal);
      for (const object of page.objects) yield { ...object, now: page.now };
      next = page.next;
      if (next === undefined) return;
    }
  }

  async list(
    { prefix, after, next, delimiter, maxKeys }: ListRequest,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      ...urlEncoded,
      ...(after !== undefined && next === undefined && { StartAfter: after }),
      ...(next !== undefined && { ContinuationToken: next }),
      ...(delimiter !== undefined && { Delimiter: delimiter }),
      ...(maxKeys !== undefined && { MaxKeys: maxKeys }),
    });
    let now: number | undefined;
    const answer = await this.#call('listing objects', signal, async (options) => {
      command.middlewareStack.add(
        (send) => async (args) => {
          const result = await send(args);
          now = dateOf(result.response);
          return result;
        },
        { step: 'deserialize', name: 'dateOfAnswer', override: true },
      );
      return await this.#client.send(command, options);
    });
    const decoded = keyDecoder(answer.EncodingType, this.where);
    return {
      objects: (answer.Contents ?? []).map(({ Key = '', ETag = '', Size = 0, LastModified }) => ({
        key: decoded(Key),
        etag: ETag,
        size: Size,
        modified: LastModified?.getTime() ?? 0,
      })),
      folders: (answer.CommonPrefixes ?? []).map(({ Prefix = '' }) => decoded(Prefix)),
      next: answer.IsTruncated ? answer.NextContinuationToken : undefined,
      now,
    };
  }

  /** Undefined if there is no such object. */
  async head(
    key: string,
    signal: AbortSignal,
  ): Promise<(ObjectEntry & Pick<PutOptions, 'metadata'>) | undefined> {
    try {
      const answer = await this.#call(`looking for ${key}`, signal, (options) =>
        this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }), options),
      );
      return {
        key,
        etag: answer.ETag ?? '',
        size: answer.ContentLength ?? 0,
        modified: answer.LastModified?.getTime() ?? 0,
        ...(answer.Metadata && { metadata: answer.Metadata }),
      };
    } catch (thrown) {
      if (isMissing(causeOf(thrown))) return undefined;
      throw thrown;
    }
  }

  /** Content of an object as it arrives. Throws ObjectChanged, see ObjectContents. */
  async read(key: string, range: ReadRange, signal: AbortSignal): Promise<ObjectBody> {
    return await this.#contents.read(key, range, signal);
  }

  /** A whole object; undefined if there is none. Throws if it is larger, or not the one with this ETag. */
  async readWhole(
    key: string,
    maxBytes: number,
    signal: AbortSignal,
    etag?: string,
  ): Promise<(Pick<ObjectBody, 'etag' | 'contentType'> & { readonly bytes: Buffer }) | undefined> {
    const body = await this.read(key, { etag }, signal).catch((error: unknown) => {
      if (isMissing(causeOf(causeOf(error)))) return undefined;
      throw error;
    });
    if (!body) return undefined;
    try {
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of body.chunks) {
        bytes += chunk.length;
        if (bytes > maxBytes)
          throw permanent('RecordOverLimit', `${this.where}: ${key} has more than ${maxBytes} bytes`);
        parts.push(chunk);
      }
      return { bytes: Buffer.concat(parts), etag: body.etag, contentType: body.contentType };
    } finally {
      body.close();
    }
  }

  /** The ETag of what was written; undefined: what `over` demands was not true. */
  async put(
    key: string,
    bytes: Buffer,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: bytes,
      ContentLength: bytes.length,
      ...conditionOf(options.over),
      ...(options.contentType !== undefined && { ContentType: options.contentType }),
      ...(options.metadata && { Metadata: { ...options.metadata } }),
    });
    try {
      const answer = await this.#call(`writing ${key}`, signal, (send) => this.#client.send(command, send));
      return answer.ETag ?? '';
    } catch (thrown) {
      if (isOtherVersion(causeOf(thrown)) || isMissing(causeOf(thrown))) return undefined;
      throw thrown;
    }
  }

  /** Objects that are not there count as deleted. */
  async remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < keys.length; from += 1_000) {
      const Objects = keys.slice(from, from + 1_000).map((Key) => ({ Key }));
      const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await this.#call('deleting objects', signal, (send) =>
        this.#client.send(command, send),
      );
      const [first] = Errors;
      if (first)
        throw toIdraError(
          { name: first.Code ?? 'an error' },
          this.where,
          `deleting ${first.Key ?? 'an object'}`,
        );
    }
  }

  get #bucket(): string {
    return this.config.bucket;
  }

  async #call<T>(
    action: string,
    signal: AbortSignal,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
    return await this.#run(action, signal, () => send({ abortSignal: within }));
  }

  async #run<T>(action: string, signal: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#isClosed) throw transient('Closed', `${this.where}: it was closed while it was in use`);
    try {
      return await body(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      throw toIdraError(thrown, this.where, action);
    }
  }
}

function statusIs(thrown: unknown, status: number): boolean {
  const cause = causeOf(thrown) as { $metadata?: { httpStatusCode?: number } } | undefined;
  return cause?.$metadata?.httpStatusCode === status;
}

function dateOf(response: unknown): number | undefined {
  const { headers } = (response ?? {}) as { headers?: Record<string, string> };
  const time = Date.parse(headers?.date ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function bucketNotFound(where: string): Error {
  return permanent('BucketNotFound', `${where}: there is no such bucket`, {
    path: 'spec.s3.bucket',
    fix: 'check the name, or create the bucket',
  });
}
