import { createHash } from 'node:crypto';
import { restartCommand } from './commands.ts';
import { permanent } from './errors.ts';
import { isRecordColumn, type RecordColumn } from './records/record-column.ts';
import type { Scalar } from './values.ts';

/**
 * A position in a source after a batch. Scalars are canonical text (a bigint as its digits), so an offset is plain JSON in a commit row,
 * in etcd and on the command line; the source converts them back by the type of the column.
 */
export type Offset =
  /** key: of the last row, null at the start of a pass; isComplete: the pass has ended. */
  | (Ordered & {
      readonly mode: 'Snapshot';
      readonly pass: number;
      readonly key: readonly string[] | null;
      readonly isComplete: boolean;
    })
  /** key: of the last row, if ids alone are not unique. */
  | (Ordered & { readonly mode: 'Id'; readonly id: string; readonly key?: readonly string[] })
  | (Ordered & { readonly mode: 'Timestamp'; readonly at: string; readonly key: readonly string[] })
  /** token: a text of the connector's own, with the phase of a snapshot that goes before the changes. Source.isAhead compares two. */
  | (Columned & { readonly mode: 'Stream'; readonly token: string });

interface Columned {
  /** The inferred columns by which rows are read until the Sync is restarted or its source changes. */
  readonly columns?: readonly RecordColumn[];
}

interface Ordered extends Columned {
  /**
   * The column and type that orders each value: `id number`. With another order the same values are another position. Undefined: unknown.
   */
  readonly by?: readonly string[];
}

export function withOrder(offset: Offset, by: readonly string[]): Offset {
  return offset.mode === 'Stream' || (offset.mode === 'Snapshot' && offset.key === null)
    ? offset
    : { ...offset, by };
}

/** The columns of an earlier offset go on with this one, unless it has its own. */
export function withColumns(offset: Offset, columns: readonly RecordColumn[] | undefined): Offset {
  return columns === undefined || offset.columns !== undefined ? offset : { ...offset, columns };
}

/** For a status, which is written often and read by people. */
export function withoutColumns<T extends Offset>({ columns: _, ...offset }: T): Omit<T, 'columns'> {
  return offset;
}

export function encodeOffset(offset: Offset | Omit<Offset, 'columns'>): string {
  return JSON.stringify(offset);
}

export function decodeOffset(text: string): Offset {
  const value: unknown = JSON.parse(text);
  if (isOffset(value)) return value;
  throw permanent(
    'OffsetUnreadable',
    `the stored offset is not one that this version knows: ${text.slice(0, 200)}`,
    {
      fix: `run the version of Idra that wrote it, or ${restartCommand}`,
    },
  );
}

/** Decodes a stored offset, or null if none is stored. */
export function decodeStored(text: string | null): Offset | null {
  return text === null ? null : decodeOffset(text);
}

/** One line for display and for the OFFSET column of `kubectl get syncs -o wide`; parseOffset reads it back. */
export function formatOffset(offset: Offset | null): string {
  if (offset === null) return '';
  switch (offset.mode) {
    case 'Snapshot': {
      if (offset.isComplete) return `pass ${offset.pass} complete`;
      return offset.key === null ? `pass ${offset.pass}` : `pass ${offset.pass} at ${formatKey(offset.key)}`;
    }
    case 'Id':
      return offset.key ? `${offset.id} ${formatKey(offset.key)}` : offset.id;
    case 'Timestamp':
      return `${offset.at} ${formatKey(offset.key)}`;
    case 'Stream':
      return offset.token;
  }
}

/** Of an offset in a status or message. Tokens of streams may have many thousands. */
const mostShown = 400;
const shownStart = 120;
const shortened = /\.\.\. \(\d+ characters, sha256 [0-9a-f]{12}\)$/;

/** As formatOffset; a long text by its beginning and its hash, so that two that differ are shown as different. */
export function shownOffset(offset: Offset | null): string {
  const text = formatOffset(offset);
  if (text.length <= mostShown) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${text.slice(0, shownStart)}... (${text.length} characters, sha256 ${digest})`;
}

/** Whether it is what shownOffset makes of a long offset: enough to compare with one, and no offset itself. */
export function isShortened(text: string): boolean {
  return shortened.test(text);
}

/** Formats an encoded offset; `none` if nothing is stored. */
export function describeEncoded(encoded: string | null): string {
  return encoded === null ? 'none' : formatOffset(decodeOffset(encoded));
}

/** The same, shortened. */
export function showEncoded(encoded: string | null): string {
  return encoded === null ? 'none' : shownOffset(decodeOffset(encoded));
}

/** Parses the argument of `idra offset set`: the text that formatOffset prints, or the JSON of an offset. */
export function parseOffset(text: string, mode: Offset['mode']): Offset {
  const trimmed = text.trim();
  if (mode === 'Stream') return parseStreamOffset(trimmed);
  if (trimmed.startsWith('{')) {
    const offset = decodeOffset(trimmed);
    if (offset.mode !== mode) throw wrongOffset(text, mode);
    return offset;
  }
  switch (mode) {
    case 'Id': {
      if (trimmed === '') throw wrongOffset(text, mode);
      const at = trimmed.lastIndexOf(' [');
      const key = at > 0 && trimmed.endsWith(']') ? parseKey(trimmed.slice(at + 1)) : undefined;
      return key === undefined ? { mode, id: trimmed } : { mode, id: trimmed.slice(0, at), key };
    }
    case 'Timestamp': {
      const match = /^(\S+(?: \d{2}:\d{2}:\S+)?) (\[.*\])$/.exec(trimmed);
      const key = match?.[2] === undefined ? undefined : parseKey(match[2]);
      if (match?.[1] === undefined || key === undefined) throw wrongOffset(text, mode);
      return { mode, at: match[1], key };
    }
    case 'Snapshot': {
      const match = /^pass (\d+)(?: (complete)| at (\[.*\]))?$/.exec(trimmed);
      if (match === null) throw wrongOffset(text, mode);
      const key = match[3] === undefined ? null : parseKey(match[3]);
      if (key === undefined) throw wrongOffset(text, mode);
      return { mode, pass: Number(match[1]), key, isComplete: match[2] !== undefined };
    }
  }
}

/** A token may be JSON itself. */
function parseStreamOffset(text: string): Offset {
  if (text === '' || isShortened(text)) throw wrongOffset(text, 'Stream');
  const value = parsedJson(text);
  if (!isOffset(value)) return { mode: 'Stream', token: text };
  if (value.mode !== 'Stream') throw wrongOffset(text, 'Stream');
  return value;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function formatKey(key: readonly string[]): string {
  return JSON.stringify(key);
}

function parseKey(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStrings(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const examples: Record<Offset['mode'], string> = {
  Snapshot: 'pass 1 at ["42"]',
  Id: '42',
  Timestamp: '2026-11-24 08:00:00.123456Z ["42"]',
  Stream: 'the token as `idra offset get` prints it',
};

function wrongOffset(text: string, mode: Offset['mode']): Error {
  return permanent('OffsetInvalid', `"${text}" is not an offset of mode ${mode}`, {
    fix: `write it as: ${examples[mode]}`,
  });
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isOffset(value: unknown): value is Offset {
  if (typeof value !== 'object' || value === null || !('mode' in value)) return false;
  const offset = value as Record<string, unknown>;
  if (offset.by !== undefined && !isStrings(offset.by)) return false;
  const { columns } = offset;
  if (columns !== undefined && !(Array.isArray(columns) && columns.every(isRecordColumn))) return false;
  switch (offset.mode) {
    case 'Snapshot':
      return (
        Number.isInteger(offset.pass) &&
        (offset.key === null || isStrings(offset.key)) &&
        typeof offset.isComplete === 'boolean'
      );
    case 'Id':
      return typeof offset.id === 'string' && (offset.key === undefined || isStrings(offset.key));
    case 'Timestamp':
      return typeof offset.at === 'string' && isStrings(offset.key);
    case 'Stream':
      return typeof offset.token === 'string';
    default:
      return false;
  }
}

/** Canonical text of a key or cursor value, as stored in offsets; the source's `literal` converts it back by the column's type. */
export function scalarText(value: Scalar): string {
  // A Buffer that was sent from another thread arrives as a Uint8Array.
  if (typeof value === 'object') return Buffer.from(value).toString('hex');
  return String(value);
}
