import { z } from 'zod';
import { restartCommand } from '../../../core/commands.ts';
import { permanent } from '../../../core/errors.ts';
import { Ledger } from './ledger.ts';
import { OpenUploads } from './open-uploads.ts';
import { StreamState } from './stream-state.ts';

const size = z.int().min(0);
const tokenShape = z.strictObject({
  v: z.literal(1),
  /** count */
  n: size,
  /** current: key, ETag, modified, size, position */
  o: z.tuple([z.string(), z.string(), size, size, size, size]).optional(),
  /** scan: isFirst, isCutShort, startedMs, newestMs; after; read from when, and what; window; uploads */
  s: z
    .strictObject({
      f: z.boolean(),
      c: z.boolean(),
      t: size,
      x: size,
      a: z.string().optional(),
      r: size,
      d: z.string(),
      w: z.string(),
      u: z.string().optional(),
    })
    .optional(),
  /** ledger: from when, and what */
  f: size,
  l: z.string(),
  /** uploads */
  u: z.string(),
});

export function encodeToken({ count, current, scan, ledger, uploads }: StreamState): string {
  const token: z.infer<typeof tokenShape> = {
    v: 1,
    n: count,
    ...(current && {
      o: [
        current.key,
        current.etag,
        current.modified,
        current.size,
        current.position[0],
        current.position[1],
      ],
    }),
    ...(scan && {
      s: {
        f: scan.isFirst,
        c: scan.isCutShort,
        t: scan.startedMs,
        x: scan.newestMs,
        ...(scan.after !== undefined && { a: scan.after }),
        r: scan.read.from,
        d: scan.read.encode(),
        w: scan.window.encode(),
        ...(scan.uploads && { u: scan.uploads.encode() }),
      },
    }),
    f: ledger.from,
    l: ledger.encode(),
    u: uploads.encode(),
  };
  return JSON.stringify(token);
}

export function decodeToken(text: string): StreamState {
  const token = parse(text);
  const state = new StreamState();
  const ledger = token && Ledger.decode(token.f, token.l);
  const uploads = token && OpenUploads.decode(token.u);
  if (!token || !ledger || !uploads) throw unreadable();
  state.count = token.n;
  state.ledger = ledger;
  state.uploads = uploads;
  if (token.o) {
    const [key, etag, modified, bytes, first, second] = token.o;
    state.current = { key, etag, modified, size: bytes, position: [first, second] };
  }
  if (token.s) {
    const read = Ledger.decode(token.s.r, token.s.d);
    const window = Ledger.decode(0, token.s.w);
    if (!read || !window) throw unreadable();
    state.scan = {
      uploads: token.s.u === undefined ? undefined : OpenUploads.decode(token.s.u),
      isFirst: token.s.f,
      isCutShort: token.s.c,
      startedMs: token.s.t,
      newestMs: token.s.x,
      after: token.s.a,
      read,
      window,
    };
  }
  return state;
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
