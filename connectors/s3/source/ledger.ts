import { hash } from 'node:crypto';
import type { ObjectEntry } from '../session.ts';

/** The version of an object that was read. */
export type ObjectVersion = Pick<ObjectEntry, 'key' | 'etag' | 'modified'>;

/** More of them would make the offset larger than etcd keeps: then the oldest are settled before the horizon. */
export const maxEntries = 100_000;
/** Left after that, so that it does not happen with each object. */
const entriesKept = 90_000;
const fingerprintBytes = 6;

/**
 * Which versions of objects were read, apart from those that are settled: older ones, of which none can appear any more. Neither the order
 * of the list nor the time of an object says whether it is new, so each version is remembered: by the second in which it was modified, and
 * 48 bits of a hash of its key and ETag. That a new object is taken for another one of its second is less likely than once in 10^11 objects.
 */
export class Ledger {
  readonly #seconds = new Map<number, Set<number>>();
  #size = 0;
  #settledBefore: number;
  #text: string | undefined;

  private constructor(settledBefore: number) {
    this.#settledBefore = settledBefore;
  }

  static empty(settledBefore = 0): Ledger {
    return new Ledger(settledBefore);
  }

  /** Objects that were modified before this second, since 1970, are settled. */
  get settledBefore(): number {
    return this.#settledBefore;
  }

  get size(): number {
    return this.#size;
  }

  isSettled({ modified }: Pick<ObjectVersion, 'modified'>): boolean {
    return secondOf(modified) < this.#settledBefore;
  }

  has(version: ObjectVersion): boolean {
    const inSecond = this.#seconds.get(secondOf(version.modified));
    return inSecond?.has(fingerprint(version)) ?? false;
  }

  add(version: ObjectVersion): void {
    const second = secondOf(version.modified);
    const inSecond = this.#seconds.get(second) ?? new Set();
    if (inSecond.size === 0) this.#seconds.set(second, inSecond);
    const before = inSecond.size;
    inSecond.add(fingerprint(version));
    this.#size += inSecond.size - before;
    this.#text = undefined;
  }

  /** Forgets what was modified before this second. */
  settle(before: number): void {
    this.#settledBefore = Math.max(this.#settledBefore, before);
    for (const [second, versions] of this.#seconds) {
      if (second >= this.#settledBefore) continue;
      this.#seconds.delete(second);
      this.#size -= versions.size;
      this.#text = undefined;
    }
  }

  /** Whether objects had to be settled because there are too many. */
  bound(): boolean {
    if (this.#size <= maxEntries) return false;
    let left = this.#size;
    for (const second of [...this.#seconds.keys()].toSorted((one, other) => one - other)) {
      if (left <= entriesKept) break;
      left -= this.#seconds.get(second)?.size ?? 0;
      this.settle(second + 1);
    }
    return true;
  }

  /** For each second the distance from the one before, the number of versions, and their fingerprints. */
  encode(): string {
    this.#text ??= this.#encoded();
    return this.#text;
  }

  #encoded(): string {
    const bytes = Buffer.alloc(this.#size * (fingerprintBytes + 10));
    let [at, last] = [0, this.#settledBefore];
    for (const second of [...this.#seconds.keys()].toSorted((one, other) => one - other)) {
      const versions = this.#seconds.get(second) ?? new Set();
      at = writeVarint(bytes, at, second - last);
      at = writeVarint(bytes, at, versions.size);
      for (const version of versions) at = bytes.writeUIntBE(version, at, fingerprintBytes);
      last = second;
    }
    return bytes.toString('base64', 0, at);
  }

  /** Undefined: it is no text of a ledger. */
  static decode(settledBefore: number, text: string): Ledger | undefined {
    const ledger = new Ledger(settledBefore);
    const bytes = Buffer.from(text, 'base64');
    let second = settledBefore;
    for (let at = 0; at < bytes.length; ) {
      const distance = readVarint(bytes, at);
      const count = readVarint(bytes, distance.end);
      const end = count.end + count.value * fingerprintBytes;
      if (!(end <= bytes.length)) return undefined;
      second += distance.value;
      const versions = new Set<number>();
      for (at = count.end; at < end; at += fingerprintBytes)
        versions.add(bytes.readUIntBE(at, fingerprintBytes));
      ledger.#seconds.set(second, versions);
      ledger.#size += versions.size;
    }
    ledger.#text = text;
    return ledger;
  }
}

export function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

function fingerprint({ key, etag }: ObjectVersion): number {
  return hash('sha1', `${key}\0${etag}`, 'buffer').readUIntBE(0, fingerprintBytes);
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let [at, rest] = [start, value];
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/** NaN where the bytes end. */
function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let [value, scale, at] = [0, 1, start];
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined || scale > 2 ** 42) return { value: Number.NaN, end: Number.NaN };
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at };
    scale *= 0x80;
  }
}
