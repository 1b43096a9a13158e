import type { Batch } from '../../../core/batch.ts';
import type { Offset } from '../../../core/offset.ts';
import type { PassEnd } from '../../../core/pass-end.ts';
import type { ObjectEntry } from '../session.ts';
import { Ledger, secondOf } from './ledger.ts';
import { ObjectList } from './object-list.ts';
import { BatchBuilder, type PassInit } from './pass.ts';
import { decodeToken, encodeToken, type FirstScan, type PartlyRead } from './stream-token.ts';

/** Each version of an object once: those that are not in the ledger and not settled. */
export async function* readStream(pass: PassInit): AsyncGenerator<Batch, PassEnd> {
  const { after } = pass.request;
  const token = after?.mode === 'Stream' ? after.token : undefined;
  const stream = token === undefined ? await newStream(pass) : resumedStream(pass, token);
  return yield* stream.read();
}

/** A list shows which time objects have, before the first of them is read. */
async function newStream(pass: PassInit): Promise<ObjectStream> {
  const list = new ObjectList(pass.session, pass.prefix);
  while (await list.next(pass.signal));
  const ledger = Ledger.empty(settledBefore(list, pass));
  return new ObjectStream(pass, { count: 0, ledger, current: undefined, firstScan: { after: undefined } });
}

function resumedStream(pass: PassInit, token: string): ObjectStream {
  return new ObjectStream(pass, decodeToken(token));
}

/**
 * Behind the newest object, and behind the beginning of the list: what appeared while it was gone through may have been passed over, and is
 * found by the next pass.
 */
function settledBefore({ facts }: ObjectList, { horizonMs }: PassInit): number {
  const newest = Math.min(facts.newest, facts.started ?? facts.newest);
  return Math.max(0, secondOf(newest - horizonMs));
}

type State = ReturnType<typeof decodeToken>;

class ObjectStream {
  readonly #pass: PassInit;
  readonly #ledger: Ledger;
  readonly #builder: BatchBuilder;
  #count: number;
  #current: PartlyRead | undefined;
  #firstScan: FirstScan | undefined;
  #hasTooMany = false;

  constructor(pass: PassInit, { count, ledger, current, firstScan }: State) {
    this.#pass = pass;
    this.#ledger = ledger;
    this.#count = count;
    this.#current = current;
    this.#firstScan = firstScan;
    this.#builder = new BatchBuilder(pass);
  }

  async *read(): AsyncGenerator<Batch, PassEnd> {
    const { session, prefix, signal } = this.#pass;
    if (this.#current) yield* this.#rest(this.#current);
    const isFirst = this.#firstScan !== undefined;
    const list = new ObjectList(session, prefix, this.#firstScan?.after);
    for (;;) {
      const window = await list.window((object) => this.#isNew(object), signal);
      for (const object of window.objects) yield* this.#object(object);
      if (this.#firstScan && window.lastKey !== undefined) this.#passWindow(window.lastKey);
      if (window.isEnd) break;
    }
    this.#firstScan = undefined;
    // The first scan may have taken longer than the horizon: what appeared behind it meanwhile is found by the next pass.
    if (!isFirst) this.#ledger.settle(settledBefore(list, this.#pass));
    if (this.#builder.isChanged) yield this.#batch();
    return this.#end();
  }

  /** In the first scan objects are in the order of keys, so older ones need not be remembered behind it. */
  #passWindow(lastKey: string): void {
    this.#firstScan = { after: lastKey };
    this.#ledger.settle(this.#ledger.settledBefore);
  }

  #isNew(object: ObjectEntry): boolean {
    if (this.#ledger.has(object)) return false;
    return this.#firstScan !== undefined || !this.#ledger.isSettled(object);
  }

  /** The version that was read in part, if it is still there. */
  async *#rest({ key, etag, modified, size, position }: PartlyRead): AsyncGenerator<Batch> {
    yield* this.#object({ key, etag, modified, size }, position);
  }

  async *#object(object: ObjectEntry, from?: PartlyRead['position']): AsyncGenerator<Batch> {
    for await (const progress of this.#builder.read(object, from)) {
      if ('isDone' in progress) {
        this.#current = undefined;
        this.#ledger.add(object);
        this.#hasTooMany = this.#ledger.bound() || this.#hasTooMany;
      } else this.#current = { ...object, position: progress.position };
      if (this.#builder.isFull) yield this.#batch();
    }
  }

  #batch(): Batch {
    this.#count += 1;
    const token = encodeToken({
      count: this.#count,
      ledger: this.#ledger,
      current: this.#current,
      firstScan: this.#firstScan,
    });
    return this.#builder.take({ mode: 'Stream', token } satisfies Offset);
  }

  #end(): PassEnd {
    const until = new Date(this.#ledger.settledBefore * 1_000).toISOString();
    const because = this.#hasTooMany
      ? `there are more than 100,000 objects within source.horizon: those before ${until} are not looked at again`
      : undefined;
    return { bound: { kind: 'log', ...(because !== undefined && { because }) }, isHeldBack: false };
  }
}
