import { z } from 'zod';
import type { S3Session } from '../session.ts';
import { sequenceOf } from './batch-writer.ts';
import { type Manifest, type ObjectSet, readList, syncFolder } from './commit-rows.ts';

/** What a writer is about to write, stored before it does: so that whoever claims after it knows what it may have left. */
const intentShape = z.strictObject({ keys: z.array(z.string()) });

/** A writer that was stopped may go on for as long. */
const keptMs = 24 * 3_600_000;
const maxIntentBytes = 16 * 1_024 ** 2;

/** The intents of one owner of a prefix. They have names of their own, so that no owner writes over those of another. */
export class Intents {
  readonly #session: S3Session;
  readonly #folder: string;
  readonly #owner: string;

  constructor(session: S3Session, prefix: string, uid: string, owner: string) {
    this.#session = session;
    this.#owner = owner;
    this.#folder = syncFolder(prefix, uid);
  }

  /** `number`: of a batch within a pass that is committed as a whole; else 0, where each replaces the one before. */
  async store(keys: readonly string[], number: number, signal: AbortSignal): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ keys }));
    const key = `${this.#folder}intent-${this.#owner}-${number}`;
    await this.#session.put(key, bytes, { contentType: 'application/json' }, signal);
  }

  async forget(numbers: number, signal: AbortSignal): Promise<void> {
    const keys = Array.from(
      { length: numbers },
      (_, number) => `${this.#folder}intent-${this.#owner}-${number + 1}`,
    );
    await this.#session.remove(keys, signal);
  }

  /**
   * Keys that an owner may have written, and the names of intents that are old. An earlier claim of this owner may have left something too,
   * and the next intent takes the place of its own.
   */
  async stored(
    signal: AbortSignal,
  ): Promise<{ readonly keys: readonly string[]; readonly old: readonly string[] }> {
    const keys: string[] = [];
    const old: string[] = [];
    const listed = this.#session.listAll({ prefix: `${this.#folder}intent-` }, signal);
    for await (const { key, modified, now = Date.now() } of listed) {
      const found = await this.#session.readWhole(key, maxIntentBytes, signal);
      if (!found) continue;
      keys.push(...(parse(found.bytes)?.keys ?? []));
      if (now - modified > keptMs) old.push(key);
    }
    return { keys, old };
  }
}

function parse(bytes: Buffer): z.infer<typeof intentShape> | undefined {
  try {
    return intentShape.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** The highest commit number among keys that may still be written: later commits must not use it again. */
export function highestSequence(keys: readonly string[], uid: string): number {
  return keys.reduce((highest, key) => Math.max(highest, sequenceOf(key, uid) ?? 0), 0);
}

/**
 * Deletes what crashed owners have left. Legal once the manifest has a commit number that is at least that of every key: then none of these
 * names is used again, and a deletion that is late does no harm.
 */
export async function deleteLeftovers(
  session: S3Session,
  keys: readonly string[],
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const left: string[] = [];
  for (const key of await withoutCommitted(session, keys, manifest, signal)) {
    for (const upload of await session.uploads.of(key, signal).catch(() => []))
      await session.uploads.abort(key, upload, signal);
    // With the other names that are tried where one is taken.
    const { objects } = await session.list(
      { prefix: key.slice(0, key.indexOf('.', key.lastIndexOf('/')) + 1) },
      signal,
    );
    left.push(...objects.map((each) => each.key));
  }
  await session.remove(await withoutCommitted(session, left, manifest, signal), signal);
}

async function withoutCommitted(
  session: S3Session,
  keys: readonly string[],
  manifest: Manifest,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const left = new Set(keys);
  const sets: readonly ObjectSet[] = [
    manifest,
    ...(manifest.replacing ? [manifest.replacing] : []),
    ...(manifest.obsolete ?? []),
  ];
  const sequences = keys.map((key) => sequenceOf(key, manifest.uid) ?? -1);
  for (const { objects, lists } of sets) {
    for (const { key } of objects) left.delete(key);
    for (const list of lists) {
      if (!sequences.some((each) => each >= list.first && each <= list.last)) continue;
      for (const { key } of await readList(session, list.key, signal)) left.delete(key);
    }
  }
  return [...left];
}
