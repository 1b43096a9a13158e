import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { causeOf, isMissing, isOtherVersion } from '../errors.ts';
import { keyDecoder, urlEncoded } from './key-encoding.ts';
import { type Condition, conditionOf } from './open.ts';

export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

interface Options {
  readonly abortSignal: AbortSignal;
}

/** Sends a command, with a deadline, and throws errors of Idra. */
type Call = <T>(action: string, signal: AbortSignal, send: (options: Options) => Promise<T>) => Promise<T>;

/** Uploads of large objects in parts. What is not completed must be aborted, or the server keeps it. */
export class Uploads {
  readonly #bucket: string;
  readonly #where: string;
  readonly #client: S3Client;
  readonly #call: Call;

  constructor(bucket: string, where: string, client: S3Client, call: Call) {
    this.#bucket = bucket;
    this.#where = where;
    this.#client = client;
    this.#call = call;
  }

  async start(
    key: string,
    options: { readonly contentType: string; readonly metadata: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      ...this.#object(key),
      ContentType: options.contentType,
      Metadata: { ...options.metadata },
    });
    const { UploadId = '' } = await this.#call(`writing ${key}`, signal, (send) =>
      this.#client.send(command, send),
    );
    return UploadId;
  }

  async putPart(
    key: string,
    upload: string,
    number: number,
    bytes: Buffer,
    signal: AbortSignal,
  ): Promise<UploadedPart> {
    const command = new UploadPartCommand({
      ...this.#object(key),
      UploadId: upload,
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
    });
    const { ETag = '' } = await this.#call(`writing ${key}`, signal, (send) =>
      this.#client.send(command, send),
    );
    return { number, etag: ETag };
  }

  /**
   * The ETag of the object; undefined: what `over` demands was not true, or the upload is gone. A retry of the driver finds it gone if only the
   * answer was lost: then the object is there.
   */
  async complete(
    key: string,
    upload: string,
    parts: readonly UploadedPart[],
    over: Condition,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#object(key),
      UploadId: upload,
      MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
      ...conditionOf(over),
    });
    try {
      const { ETag = '' } = await this.#call(`writing ${key}`, signal, (send) =>
        this.#client.send(command, send),
      );
      return ETag;
    } catch (thrown) {
      if (isOtherVersion(causeOf(thrown)) || isMissing(causeOf(thrown))) return undefined;
      throw thrown;
    }
  }

  /** What it has stored is deleted; an upload that is gone is no error. */
  async abort(key: string, upload: string, signal: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#object(key), UploadId: upload });
    try {
      await this.#call(`aborting the upload of ${key}`, signal, (send) => this.#client.send(command, send));
    } catch (thrown) {
      if (!isMissing(causeOf(thrown))) throw thrown;
    }
  }

  /** Keys with an unfinished upload, below a prefix. */
  async *open(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    for (let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}; from; ) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.#bucket,
        Prefix: prefix,
        ...urlEncoded,
        ...from,
      });
      const page = await this.#call('listing uploads', signal, (send) => this.#client.send(command, send));
      const decoded = keyDecoder(page.EncodingType, this.#where);
      for (const { Key = '' } of page.Uploads ?? []) yield decoded(Key);
      from = nextOf(page, decoded);
    }
  }

  /** Unfinished uploads of exactly this key. */
  async of(key: string, signal: AbortSignal): Promise<readonly string[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: key, ...urlEncoded });
    const { Uploads: found = [], EncodingType } = await this.#call('listing uploads', signal, (send) =>
      this.#client.send(command, send),
    );
    const decoded = keyDecoder(EncodingType, this.#where);
    return found.filter(({ Key = '' }) => decoded(Key) === key).map(({ UploadId = '' }) => UploadId);
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }
}

/** Undefined: it was the last page. */
function nextOf(
  { IsTruncated, NextKeyMarker, NextUploadIdMarker }: ListMultipartUploadsCommandOutput,
  decoded: (text: string) => string,
) {
  if (!IsTruncated || NextKeyMarker === undefined) return undefined;
  return {
    KeyMarker: decoded(NextKeyMarker),
    ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
  };
}
