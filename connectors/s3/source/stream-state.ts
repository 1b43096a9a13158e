import type { ObjectPosition } from '../object-reader.ts';
import type { ObjectEntry } from '../session.ts';
import { Ledger, type ObjectVersion, secondOf } from './ledger.ts';
import { OpenUploads } from './open-uploads.ts';

/** An object of which a part was read. */
export interface PartlyRead extends ObjectEntry {
  readonly position: ObjectPosition;
}

/** A token has at most 131,072 characters, and is written with each commit and shown in the status: with the ledger as base64 it stays below. */
const maxLedgerBytes = 40_000;
/** Left to the ledger between two scans, so that the next one has room for what it reads. */
const keptLedgerBytes = 30_000;

/** How far back objects may still appear. */
export interface Horizon {
  readonly ms: number;
  /** Written in the manifest, so that it is kept also for very many objects. */
  readonly isFixed: boolean;
}

/** One way through the prefix, in the order of keys. */
export interface Scan {
  /** Nothing was read before it. */
  readonly isFirst: boolean;
  /** The clock of the server at its beginning, in whole seconds. */
  readonly startedMs: number;
  /** Uploads that were open at its beginning; undefined: not known. */
  readonly uploads: OpenUploads | undefined;
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

export type ScanStart = Pick<Scan, 'isFirst' | 'startedMs' | 'uploads'>;

/** Objects that are modified in the last seconds before a scan may still appear behind it, so they are never settled by it. */
const unsettledSeconds = 5;

/** The objects within the horizon are too many to be remembered, and what may still appear among them is not known. */
export class LedgerFull extends Error {}

/**
 * Which versions of objects were read. Neither the order of a list nor the time of an object shows whether it is new, so versions are
 * remembered. Only at the end of a scan it is known that everything older than some time was read: then older versions are settled, and of
 * them only objects of uploads that were open meanwhile are read.
 */
export class StreamState {
  /** Batches until here: of two positions the one with more is ahead. */
  count = 0;
  /** Whether content that an object had before is read again: a copy must become it again. */
  isTimed = false;
  current: PartlyRead | undefined;
  scan: Scan | undefined;
  /** What was read by earlier scans, and from when on versions are not settled. */
  ledger: Ledger = new Ledger();
  /** Uploads that were open when the last scan began. */
  uploads: OpenUploads = new OpenUploads();

  startScan(start: ScanStart): Scan {
    const [window, read] = [new Ledger(), new Ledger(this.ledger.from)];
    this.scan = { ...start, after: undefined, newestMs: 0, window, read, isCutShort: false };
    return this.scan;
  }

  /** Whether a listed object is to be read by this scan. */
  isWanted(object: ObjectVersion, scan: Scan): boolean {
    // Written meanwhile: the next scan reads it, wherever it is.
    if (object.modified >= scan.startedMs + 1_000) return false;
    scan.uploads?.saw(object);
    if (scan.window.has(object, this.isTimed)) return false;
    if (!scan.isFirst && secondOf(object.modified) < this.ledger.from)
      return this.uploads.mayHaveMade(object);
    if (this.ledger.has(object, this.isTimed)) return false;
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

  /** Every object up to this key was read. Throws LedgerFull. */
  windowWasRead(lastKey: string, horizon: Horizon): void {
    const { scan } = this;
    if (!scan) return;
    scan.after = lastKey;
    scan.read.addAll(scan.window);
    scan.window = new Ledger();
    shrink(scan.read, Math.max(0, maxLedgerBytes - this.ledger.bytes), scan, horizon);
  }

  /** Versions before the horizon are settled; with very many objects also later ones, of which `isShortened` tells. Throws LedgerFull. */
  endScan(horizon: Horizon): void {
    const { scan } = this;
    if (!scan) return;
    this.ledger.addAll(scan.read);
    this.ledger.leaveOut(Math.max(horizonSecond(scan, horizon), scan.read.from));
    shrink(this.ledger, keptLedgerBytes, scan, horizon);
    if (scan.uploads) this.uploads = scan.uploads;
    this.scan = undefined;
  }

  /** Whether less is remembered than the horizon asks for. */
  isShortened(newestMs: number, horizon: Horizon): boolean {
    return this.ledger.from > Math.max(0, secondOf(newestMs - horizon.ms));
  }
}

/** Leaves out the oldest until the rest fits: within the horizon only if it is known which uploads may still end there. */
function shrink(ledger: Ledger, maxBytes: number, scan: Scan, horizon: Horizon): void {
  ledger.shrink(maxBytes, horizonSecond(scan, horizon));
  if (ledger.bytes <= maxBytes) return;
  if (horizon.isFixed || !scan.uploads) throw new LedgerFull();
  ledger.shrink(maxBytes, lastSettled(scan));
}

/** Versions before it are settled by this scan. */
function horizonSecond(scan: Scan, { ms }: Horizon): number {
  const newestMs = Math.min(scan.newestMs, scan.startedMs);
  return Math.min(Math.max(0, secondOf(newestMs - ms)), lastSettled(scan));
}

function lastSettled({ startedMs }: Scan): number {
  return secondOf(startedMs) - unsettledSeconds;
}
