import type { Batch } from '../../../core/batch.ts';
import type { PassEnd } from '../../../core/pass-end.ts';
import type { ObjectPosition } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { BatchBuilder, type PassInit } from './object-batch.ts';
import { ObjectList } from './object-list.ts';
import { type Scan, StreamState } from './stream-state.ts';
import { decodeToken, encodeToken } from './stream-token.ts';

/** Each version of an object once: a pass is one scan of the prefix, or the rest of one that was interrupted. */
export async function* readStream(pass: PassInit): AsyncGenerator<Batch, PassEnd> {
  const { after } = pass.request;
  const isFirst = after?.mode !== 'Stream';
  const state = isFirst ? new StreamState() : decodeToken(after.token);
  return yield* new ObjectStream(pass, state).read(isFirst);
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
    const startedMs = await this.#list().startedMs(this.#pass.signal);
    const scan = state.startScan(startedMs, isFirst);
    yield* this.#scan(scan);
    if (this.#builder.isChanged) yield this.#batch();
    return this.#end(scan);
  }

  #list(after?: string): ObjectList {
    return new ObjectList(this.#pass.session, this.#pass.prefix, after);
  }

  async *#scan(scan: Scan): AsyncGenerator<Batch> {
    const { signal, horizonMs } = this.#pass;
    const list = this.#list(scan.after);
    for (;;) {
      const window = await list.window((object) => this.#isWanted(object, scan), signal);
      for (const object of window.objects) yield* this.#object(object);
      if (window.lastKey !== undefined) this.#state.windowWasRead(window.lastKey);
      if (window.isEnd) break;
    }
    this.#state.endScan(horizonMs);
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

  #end({ newestMs, isCutShort }: Scan): PassEnd {
    const { ledger } = this.#state;
    const isShortened = this.#state.isShortened(newestMs, this.#pass.horizonMs);
    const from = new Date(ledger.from * 1_000).toISOString();
    const because = `there are so many objects within source.horizon that only those since ${from} are looked at`;
    return { bound: { kind: 'log', ...(isShortened && { because }) }, isHeldBack: isCutShort };
  }
}
