import type { Batch } from '../../../core/batch.ts';
import { permanent } from '../../../core/errors.ts';
import type { PassEnd } from '../../../core/pass-end.ts';
import type { ObjectPosition } from '../object-reader.ts';
import { policyFor } from '../policy.ts';
import type { ObjectEntry } from '../session.ts';
import { BatchBuilder, type PassInit } from './object-batch.ts';
import { ObjectList } from './object-list.ts';
import { maxAhead } from './objects-ahead.ts';
import { openUploads } from './open-uploads.ts';
import { LedgerFull, type Scan, type ScanStart, StreamState } from './stream-state.ts';
import { decodeToken, encodeToken } from './stream-token.ts';

/** Each version of an object once: a pass is one scan of the prefix, or the rest of one that was interrupted. */
export async function* readStream(pass: PassInit): AsyncGenerator<Batch, PassEnd> {
  const { after } = pass.request;
  const isFirst = after?.mode !== 'Stream';
  const state = isFirst ? new StreamState() : decodeToken(after.token);
  state.isTimed = pass.reading.init.format.name === 'Raw';
  try {
    return yield* new ObjectStream(pass, state).read(isFirst);
  } finally {
    pass.reading.ahead.close();
  }
}

class ObjectStream {
  readonly #pass: PassInit;
  readonly #state: StreamState;
  readonly #builder: BatchBuilder;

  constructor(pass: PassInit, state: StreamState) {
    this.#pass = pass;
    this.#state = state;
    this.#builder = new BatchBuilder(pass);
  }

  async *read(isFirst: boolean): AsyncGenerator<Batch, PassEnd> {
    const state = this.#state;
    if (state.current) yield* this.#object(state.current, state.current.position);
    // A scan that was interrupted knows nothing of what came after its beginning.
    if (state.scan) yield* this.#scan(state.scan);
    const scan = state.startScan({ isFirst, ...(await this.#start()) });
    yield* this.#scan(scan);
    if (this.#builder.isChanged) yield this.#batch();
    return this.#end(scan);
  }

  /** The clock is read before the uploads: those that begin later have a later time. */
  async #start(): Promise<Omit<ScanStart, 'isFirst'>> {
    const { session, prefix, signal } = this.#pass;
    const startedMs = await this.#list().startedMs(signal);
    return { startedMs, uploads: await openUploads(session, prefix, signal) };
  }

  #list(after?: string): ObjectList {
    return new ObjectList(this.#pass.session, this.#pass.prefix, after);
  }

  async *#scan(scan: Scan): AsyncGenerator<Batch> {
    const { signal, horizon } = this.#pass;
    const list = this.#list(scan.after);
    for (;;) {
      const window = await list.window((object) => this.#isWanted(object, scan), signal);
      for (const [index, object] of window.objects.entries()) {
        this.#pass.reading.ahead.request(window.objects.slice(index, index + maxAhead));
        yield* this.#object(object);
      }
      if (window.lastKey !== undefined)
        this.#orRefuse(() => this.#state.windowWasRead(window.lastKey ?? '', horizon));
      if (window.isEnd) break;
    }
    this.#orRefuse(() => this.#state.endScan(horizon));
  }

  #isWanted(object: ObjectEntry, scan: Scan): boolean {
    scan.newestMs = Math.max(scan.newestMs, object.modified);
    return this.#state.isWanted(object, scan);
  }

  async *#object({ key, etag, modified, size }: ObjectEntry, from?: ObjectPosition): AsyncGenerator<Batch> {
    const object = { key, etag, modified, size };
    for await (const progress of this.#builder.read(object, from)) {
      if ('isDone' in progress) this.#state.wasRead(object);
      else this.#state.current = { ...object, position: progress.position };
      if (this.#builder.isFull) yield this.#batch();
    }
  }

  #batch(): Batch {
    this.#state.count += 1;
    return this.#builder.take({ mode: 'Stream', token: encodeToken(this.#state) });
  }

  #orRefuse(body: () => void): void {
    try {
      body();
    } catch (thrown) {
      throw thrown instanceof LedgerFull ? this.#tooMany() : thrown;
    }
  }

  #tooMany(): Error {
    const { session, prefix, horizon } = this.#pass;
    const objects = `${session.where}: more objects below ${prefix} are within source.horizon than an offset can remember`;
    return horizon.isFixed
      ? permanent('LedgerFull', objects, {
          path: 'spec.source.horizon',
          fix: 'shorten source.horizon, or remove it: then only uploads that are open are waited for',
        })
      : permanent('LedgerFull', `${objects}, and which uploads are open is not known`, {
          path: 'spec.source.dataSource',
          fix: `abort uploads that were left unfinished, set a shorter source.horizon, or add to the policy of the credentials: ${policyFor(session.config.bucket, prefix, ['s3:ListBucketMultipartUploads'])}`,
        });
  }

  #end({ newestMs, isCutShort }: Scan): PassEnd {
    const { ledger } = this.#state;
    const isShortened = this.#state.isShortened(newestMs, this.#pass.horizon);
    const from = new Date(ledger.from * 1_000).toISOString();
    const because = `there are so many objects within source.horizon that those before ${from} are settled: of them only uploads that are still open will be read`;
    return { bound: { kind: 'log', ...(isShortened && { because }) }, isHeldBack: isCutShort };
  }
}
