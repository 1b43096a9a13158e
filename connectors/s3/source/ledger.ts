import { hash } from 'node:crypto';
import type { ObjectEntry } from '../session.ts';

/** The version of an object that was read. */
export type ObjectVersion = Pick<ObjectEntry, 'key' | 'etag' | 'modified'>;

export const fingerprintBytes = 6;

/**
 * Versions of objects, each by 48 bits of a hash of its key and ETag and the second in which it was modified. A new object is taken for one of
 * 8,000 others about once in 3 * 10^10. Those before a limit are left out.
 */
export class Ledger {
  readonly #seconds = new Map<number, Set<number>>();
  /** The second of each version. */
  readonly #secondOf = new Map<number, number>();
  #from: number;
  #text: string | undefined;

  constructor(from = 0) {
    this.#from = from;
  }

  /** Versions that were modified before this second since 1970 are left out. */
  get from(): number {
    return this.#from;
  }

  get size(): number {
    return this.#secondOf.size;
  }

  /** What encode needs, at most. */
  get bytes(): number {
    return this.#secondOf.size * fingerprintBytes + this.#seconds.size * 3;
  }

  /**
   * A writer that got no answer writes the same content again: that is the same version, which has its new time from now on. `isTimed`: only
   * one of the same time is the same, because the object may have had another content in between.
   */
  has(version: ObjectVersion, isTimed = false): boolean {
    const print = fingerprint(version);
    const known = this.#secondOf.get(print);
    if (known === undefined || (isTimed && secondOf(version.modified) > known)) return false;
    this.#put(secondOf(version.modified), print);
    return true;
  }

  add(version: ObjectVersion): void {
    const second = secondOf(version.modified);
    if (second >= this.#from) this.#put(second, fingerprint(version));
  }

  addAll(other: Ledger): void {
    for (const [version, second] of other.#secondOf) if (second >= this.#from) this.#put(second, version);
  }

  #put(second: number, version: number): void {
    const before = this.#secondOf.get(version);
    if (before !== undefined && before >= second) return;
    if (before !== undefined) this.#remove(before, version);
    const versions = this.#seconds.get(second) ?? new Set();
    if (versions.size === 0) this.#seconds.set(second, versions);
    versions.add(version);
    this.#secondOf.set(version, second);
    this.#text = undefined;
  }

  #remove(second: number, version: number): void {
    const versions = this.#seconds.get(second);
    versions?.delete(version);
    if (versions?.size === 0) this.#seconds.delete(second);
  }

  /** Leaves out what was modified before this second. */
  leaveOut(before: number): void {
    this.#from = Math.max(this.#from, before);
    for (const [second, versions] of this.#seconds) {
      if (second >= this.#from) continue;
      this.#seconds.delete(second);
      for (const version of versions) this.#secondOf.delete(version);
      this.#text = undefined;
    }
  }

  /** Leaves out the oldest, up to but without the second `end`, until the rest needs at most so many bytes. */
  shrink(maxBytes: number, end: number): void {
    let bytes = this.bytes;
    let from = this.#from;
    for (const second of bytes > maxBytes ? this.#sorted() : []) {
      if (bytes <= maxBytes || second >= end) break;
      bytes -= (this.#seconds.get(second)?.size ?? 0) * fingerprintBytes + 3;
      from = second + 1;
    }
    this.leaveOut(from);
  }

  /** For each second its distance from the one before, whether it has several versions and how many, and their fingerprints. */
  encode(): string {
    this.#text ??= this.#encoded();
    return this.#text;
  }

  #encoded(): string {
    const bytes = Buffer.alloc(this.#secondOf.size * (fingerprintBytes + 14));
    let [at, last] = [0, this.#from];
    for (const second of this.#sorted()) {
      const versions = this.#seconds.get(second) ?? new Set();
      at = writeVarint(bytes, at, (second - last) * 2 + (versions.size > 1 ? 1 : 0));
      if (versions.size > 1) at = writeVarint(bytes, at, versions.size);
      for (const version of versions) at = bytes.writeUIntBE(version, at, fingerprintBytes);
      last = second;
    }
    return bytes.toString('base64', 0, at);
  }

  #sorted(): readonly number[] {
    return [...this.#seconds.keys()].toSorted((one, other) => one - other);
  }

  /** Undefined: it is no text of a ledger. */
  static decode(from: number, text: string): Ledger | undefined {
    const ledger = new Ledger(from);
    const bytes = Buffer.from(text, 'base64');
    let second = from;
    for (let at = 0; at < bytes.length; ) {
      const head = readVarint(bytes, at);
      const count = head.value % 2 === 1 ? readVarint(bytes, head.end) : { value: 1, end: head.end };
      const end = count.end + count.value * fingerprintBytes;
      if (!(end <= bytes.length)) return undefined;
      second += Math.floor(head.value / 2);
      for (at = count.end; at < end; at += fingerprintBytes)
        ledger.#put(second, bytes.readUIntBE(at, fingerprintBytes));
    }
    return ledger;
  }
}

export function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

export function fingerprint({ key, etag }: ObjectVersion): number {
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
