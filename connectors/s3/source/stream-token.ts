import { z } from 'zod';
import { restartCommand } from '../../../core/commands.ts';
import { permanent } from '../../../core/errors.ts';
import type { ObjectPosition } from '../object-reader.ts';
import { Ledger, type ObjectVersion } from './ledger.ts';

/** An object of which a part was read. */
export interface PartlyRead extends ObjectVersion {
  readonly size: number;
  readonly position: ObjectPosition;
}

/** The first reading of everything, in the order of keys. */
export interface FirstScan {
  /** Objects up to this key were read; undefined: none. */
  readonly after: string | undefined;
}

/** Where a Stream of objects is. */
export interface StreamState {
  /** Batches until here: of two tokens the one with more is ahead. */
  readonly count: number;
  readonly ledger: Ledger;
  readonly current: PartlyRead | undefined;
  /** Until everything was read once, objects that are older than the ledger's limit are not settled yet. */
  readonly firstScan: FirstScan | undefined;
}

const position = z.tuple([z.int().min(0), z.int().min(0)]);
const tokenShape = z.strictObject({
  v: z.literal(1),
  /** count */
  n: z.int().min(0),
  /** ledger: settledBefore and what is behind it */
  s: z.int().min(0),
  l: z.string(),
  /** current */
  o: z.strictObject({ k: z.string(), e: z.string(), m: z.int(), z: z.int().min(0), p: position }).optional(),
  /** firstScan */
  f: z.strictObject({ a: z.string().optional() }).optional(),
});

export function encodeToken({ count, ledger, current, firstScan }: StreamState): string {
  const token: z.infer<typeof tokenShape> = {
    v: 1,
    n: count,
    s: ledger.settledBefore,
    ...(current && {
      o: {
        k: current.key,
        e: current.etag,
        m: current.modified,
        z: current.size,
        p: [current.position[0], current.position[1]],
      },
    }),
    ...(firstScan && { f: firstScan.after === undefined ? {} : { a: firstScan.after } }),
    l: ledger.encode(),
  };
  return JSON.stringify(token);
}

export function decodeToken(text: string): StreamState {
  const token = parse(text);
  const ledger = token && Ledger.decode(token.s, token.l);
  if (!token || !ledger) throw unreadable();
  const { n, o, f } = token;
  return {
    count: n,
    ledger,
    current: o && { key: o.k, etag: o.e, modified: o.m, size: o.z, position: o.p },
    firstScan: f && { after: f.a },
  };
}

/** Whether the second token is a position after the first one. */
export function isTokenAhead(before: string, after: string): boolean {
  const [one, other] = [parse(before), parse(after)];
  return one !== undefined && other !== undefined && other.n > one.n;
}

function parse(text: string): z.infer<typeof tokenShape> | undefined {
  try {
    return tokenShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function unreadable(): Error {
  return permanent(
    'OffsetUnreadable',
    'the stored offset is not a position in objects of S3 that this version knows',
    {
      fix: `run the version of Idra that wrote it, or ${restartCommand}`,
    },
  );
}
