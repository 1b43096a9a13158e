import type { ObjectPosition } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { Ledger, type ObjectVersion, secondOf } from './ledger.ts';

/** An object of which a part was read. */
export interface PartlyRead extends ObjectEntry {
  readonly position: ObjectPosition;
}

/** A token has at most 131,072 characters: these bytes as base64, and what is not part of a ledger. */
const maxLedgerBytes = 80_000;
/** Left to the ledger between two scans, so that the next one has room for what it reads. */
const keptLedgerBytes = 60_000;

/** One way through the prefix, in the order of keys. */
export interface Scan {
  /** Nothing was read before it. */
  readonly isFirst: boolean;
  /** The clock of the server at its beginning, in whole seconds. */
  readonly startedMs: number;
  /** What it reads with keys up to this one was read. */
  after: string | undefined;
  /** The latest time of an object that it has seen. */
  newestMs: number;
  /** What it has read of the objects behind `after` that it has listed. */
  window: Ledger;
  /** What it has read before: only for the scans after it, since this one has passed it. */
  readonly read: Ledger;
  /** Objects that were there at its beginning are left to the next scan. */
  isCutShort: boolean;
}

/** Objects that are modified in the last seconds before a scan may still appear behind it, so they are never settled by it. */
const unsettledSeconds = 2;

/**
 * Which versions of objects were read. Neither the order of a list nor the time of an object shows whether it is new, so versions are
 * remembered. Only at the end of a scan it is known that everything older than some time was read: then older versions are settled.
 */
export class StreamState {
  /** Batches until here: of two positions the one with more is ahead. */
  count = 0;
  current: PartlyRead | undefined;
  scan: Scan | undefined;
  /** What was read by earlier scans, and from when on versions are not settled. */
  ledger: Ledger = new Ledger();

  startScan(startedMs: number, isFirst: boolean): Scan {
    const newestMs = 0;
    const [window, read] = [new Ledger(), new Ledger(this.ledger.from)];
    this.scan = { isFirst, startedMs, after: undefined, newestMs, window, read, isCutShort: false };
    return this.scan;
  }

  /** Whether a listed object is to be read by this scan. */
  isWanted(object: ObjectVersion, scan: Scan): boolean {
    // Written meanwhile: the next scan reads it, wherever it is.
    if (object.modified >= scan.startedMs + 1_000) return false;
    if (!scan.isFirst && secondOf(object.modified) < this.ledger.from) return false;
    if (this.ledger.has(object) || scan.window.has(object)) return false;
    // Too many to be remembered were written at once: in the next scan they can be settled.
    const isFull = this.#bytes(scan) > maxLedgerBytes && secondOf(object.modified) >= lastSettled(scan);
    if (isFull) scan.isCutShort = true;
    return !isFull;
  }

  #bytes({ read, window }: Scan): number {
    return this.ledger.bytes + read.bytes + window.bytes;
  }

  /** All of an object, or what could be read of it. */
  wasRead(object: ObjectVersion): void {
    this.current = undefined;
    this.scan?.window.add(object);
  }

  /** Every object up to this key was read. */
  windowWasRead(lastKey: string): void {
    const { scan } = this;
    if (!scan) return;
    scan.after = lastKey;
    scan.read.addAll(scan.window);
    scan.window = new Ledger();
    scan.read.shrink(Math.max(0, maxLedgerBytes - this.ledger.bytes), lastSettled(scan));
  }

  /** Versions before the horizon are settled; with very many objects also later ones, of which `isShortened` tells. */
  endScan(horizonMs: number): void {
    const { scan } = this;
    if (!scan) return;
    const newestMs = Math.min(scan.newestMs, scan.startedMs);
    const before = Math.min(Math.max(0, secondOf(newestMs - horizonMs)), lastSettled(scan));
    this.ledger.addAll(scan.read);
    this.ledger.leaveOut(Math.max(before, scan.read.from));
    this.ledger.shrink(keptLedgerBytes, lastSettled(scan));
    this.scan = undefined;
  }

  /** Whether less is remembered than the horizon asks for. */
  isShortened(newestMs: number, horizonMs: number): boolean {
    return this.ledger.from > Math.max(0, secondOf(newestMs - horizonMs));
  }
}

function lastSettled({ startedMs }: Scan): number {
  return secondOf(startedMs) - unsettledSeconds;
}
