import { answerMemory } from '../../../core/answer-memory.ts';
import { namespaceOf } from '../../../core/sync-spec.ts';
import type { ObjectBody, ReadRange } from '../connection/object-contents.ts';
import type { ObjectEntry, S3Session } from '../session.ts';

/** An object of this size arrives in about the time of an answer: larger ones are read as they arrive. */
const maxObjectBytes = 256 * 1_024;
/** Objects of one pass. */
export const maxAhead = 8;

type Content = NonNullable<Awaited<ReturnType<S3Session['readWhole']>>>;

interface Ahead {
  readonly object: ObjectEntry;
  /** Undefined: it could not be read, so whoever needs it asks again and gets the error. */
  readonly content: Promise<Content | undefined>;
}

/**
 * Contents of small objects, requested while those before them are read: one after the other, each would cost the time of an answer. They
 * count for the memory of answers, and are left out where half of it is in use.
 */
export class ObjectsAhead {
  readonly #session: S3Session;
  readonly #ended: AbortController = new AbortController();
  #ahead: readonly Ahead[] = [];
  readonly #share: ReturnType<typeof answerMemory.shareOf>;

  constructor(session: S3Session) {
    this.#session = session;
    this.#share = answerMemory.shareOf({
      namespace: namespaceOf(session.dataSource),
      where: session.where,
      end: () => this.#keep([]),
    });
  }

  /** `next`: the objects that are read next, in their order. Others that were requested are forgotten. */
  request(next: readonly ObjectEntry[]): void {
    const kept: Ahead[] = [];
    let bytes = 0;
    for (const object of next.slice(0, maxAhead)) {
      if (object.size > maxObjectBytes || object.size === 0) continue;
      bytes += object.size;
      const known = this.#ahead.find((each) => isSame(each.object, object));
      if (!known && 2 * (answerMemory.used + bytes) > answerMemory.limit) break;
      kept.push(known ?? { object, content: this.#content(object) });
    }
    this.#keep(kept);
  }

  /** As S3Session.read, from what is here already. */
  async read(object: ObjectEntry, range: ReadRange, signal: AbortSignal): Promise<ObjectBody> {
    const { key, etag, size } = object;
    const content = await this.#ahead.find((each) => isSame(each.object, object))?.content;
    if (!content) return await this.#session.read(key, { etag, ...range }, signal);
    const part = content.bytes.subarray(range.start ?? 0, range.end ?? size);
    return { etag, size, contentType: content.contentType, chunks: chunksOf(part), close() {} };
  }

  /** What was requested and not read is of no use any more. */
  close(): void {
    this.#ended.abort();
    this.#keep([]);
  }

  #keep(ahead: readonly Ahead[]): void {
    this.#ahead = ahead;
    try {
      this.#share.hold(ahead.reduce((sum, { object }) => sum + object.size, 0));
    } catch {
      // Others took the room meanwhile.
      this.#ahead = [];
    }
  }

  async #content({ key, etag, size }: ObjectEntry): Promise<Content | undefined> {
    try {
      const found = await this.#session.readWhole(key, size, this.#ended.signal, etag);
      return found?.bytes.length === size ? found : undefined;
    } catch {
      return undefined;
    }
  }
}

function isSame(one: ObjectEntry, other: ObjectEntry): boolean {
  return one.key === other.key && one.etag === other.etag;
}

async function* chunksOf(content: Buffer): AsyncGenerator<Buffer> {
  if (content.length > 0) yield content;
}
