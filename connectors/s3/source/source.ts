import type { Batch, RawRequest } from '../../../core/batch.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess } from '../../../core/connector.ts';
import { type Finding, permanent } from '../../../core/errors.ts';
import { parseDuration } from '../../../core/manifest/units.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import type { Relation } from '../../../core/values.ts';
import { sourceFindings } from '../check.ts';
import { describePrefix } from '../describe.ts';
import { requireOpenPrefix } from '../destination/commit-rows.ts';
import { formatOf, type ObjectFormat } from '../object-format.ts';
import { S3Session } from '../session.ts';
import { readStream } from './change-stream.ts';
import { metadataNames } from './metadata.ts';
import { RecordReading } from './record-reading.ts';
import { readSnapshot } from './snapshot.ts';
import type { Horizon } from './stream-state.ts';
import { isTokenAhead } from './stream-token.ts';

const defaultHorizonMs = 72 * 3_600_000;

/** Rows of the objects below a prefix. */
export class S3Source implements Source {
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #format: ObjectFormat;
  readonly #horizon: Horizon;
  #session: S3Session | undefined;

  constructor(access: SystemAccess, object: SourceObject) {
    this.#access = access;
    this.#object = object;
    this.#format = formatOf(object, 'source');
    const ms = parseDuration(object.horizon ?? '');
    this.#horizon = { ms: ms ?? defaultHorizonMs, isFixed: ms !== undefined };
    requireMetadata(object.metadata ?? []);
    requireOpenPrefix(object.prefix ?? '', 'spec.source.prefix');
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    signal.throwIfAborted();
    return await describePrefix(
      { session: this.#open(), object: this.#object, format: this.#format },
      signal,
    );
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    return await sourceFindings(this.#open(), this.#object, mode, signal);
  }

  canServe(_request: RawRequest): boolean {
    return false;
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    const session = this.#open();
    const prefix = this.#object.prefix ?? '';
    const reading = new RecordReading({
      session,
      prefix,
      format: this.#format,
      columns: request.relation.recordColumns ?? [],
      metadata: this.#object.metadata ?? [],
      request,
    });
    const pass = {
      session,
      reading,
      request,
      prefix,
      horizon: this.#horizon,
      signal,
    };
    return request.mode === 'Stream' ? readStream(pass) : readSnapshot(pass);
  }

  isAhead(before: string, after: string): boolean {
    return isTokenAhead(before, after);
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  /** How many rows objects have is known only when they were read. */
  async estimateWaiting(): Promise<undefined> {
    return undefined;
  }

  /** Objects are never deleted by a Sync that reads them. */
  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    await this.rest();
  }

  #open(): S3Session {
    this.#session ??= new S3Session(this.#access);
    return this.#session;
  }
}

function requireMetadata(names: readonly string[]): void {
  const unknown = names.find((name) => !metadataNames.includes(name));
  if (unknown === undefined) return;
  throw permanent('ManifestInvalid', `objects of S3 have no metadata ${unknown}`, {
    path: 'spec.source.metadata',
    fix: `use some of ${metadataNames.join(', ')}`,
  });
}
