import type { Batch } from '../../core/batch.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { ReadRequest, SystemAccess } from '../../core/connector.ts';
import type { Offset } from '../../core/offset.ts';
import type { PassEnd } from '../../core/pass-end.ts';
import { Secret } from '../../core/secret.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import type { SessionOptions } from './session.ts';
import { type SafeCall, Session } from './session.ts';
import { HttpSource } from './source/source.ts';

/** For tests of this folder. */
export const signal: AbortSignal = new AbortController().signal;

export interface AccessOptions {
  /** In addition to the url; private addresses are allowed, because test servers are on 127.0.0.1. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

export function access(url: string, { config = {}, secrets = {} }: AccessOptions = {}): SystemAccess {
  return {
    dataSource: 'team-a/api',
    config: { url, allowPrivateAddresses: true, allowCleartextPassword: true, ...config },
    secret: (path) => (secrets[path] === undefined ? undefined : new Secret(secrets[path])),
  };
}

/** Retries follow at once. */
const hasty: Clock = {
  ...systemClock,
  sleep: (ms, stop) => systemClock.sleep(ms < 10_000 ? 0 : ms, stop),
};

let sessions = 0;

/** Of a DataSource of its own: rate limits are kept by DataSource and URL. */
export function openSession(url: string, options: AccessOptions = {}): Session {
  return new Session({ ...access(url, options), dataSource: `team-a/api${++sessions}` }, { clock: hasty });
}

export async function textOf(session: Session, call: SafeCall): Promise<string> {
  return (await (await session.succeed(call, 'spec.source.path', signal)).whole()).toString();
}

/** A reference, whose value `access` gives. */
export const reference = { name: 'api', key: 'k' } as const;

export interface ListOptions extends Partial<SourceObject> {
  readonly mode?: 'Snapshot' | 'Id' | 'Timestamp';
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly safetyLagMs?: number;
  readonly session?: SessionOptions;
  readonly access?: AccessOptions;
}

/** A list that is read without an engine. */
export interface OpenList {
  readonly source: HttpSource;
  readonly request: ReadRequest;
  read(after?: Offset | null, change?: Partial<ReadRequest>): AsyncGenerator<Batch, PassEnd>;
  pass(after?: Offset | null, change?: Partial<ReadRequest>): Promise<ReadPass>;
}

export interface ReadPass {
  readonly batches: readonly Batch[];
  readonly end: PassEnd;
  /** The first column of each row. */
  readonly ids: readonly string[];
  /** After the last batch. */
  readonly offset: Offset | null;
}

export const nthPass = (pass: number): Offset => ({ mode: 'Snapshot', pass, key: null, isComplete: false });

export async function openList(url: string, options: ListOptions): Promise<OpenList> {
  const {
    mode = 'Snapshot',
    maxRows = 1_000,
    maxBytes = 8 << 20,
    safetyLagMs,
    session,
    access: more,
    ...fields
  } = options;
  const object: SourceObject = { key: ['id'], ...fields };
  const source = new HttpSource(access(url, more), object, session);
  const relation = await source.describe(signal);
  const request: ReadRequest = {
    relation,
    columns: relation.columns.map((column) => ({ column })),
    mode,
    key: mode === 'Id' ? [object.idField ?? ''] : (object.key ?? []),
    ...(object.timestampField !== undefined && { timestampField: object.timestampField }),
    timeZone: 'UTC',
    after: null,
    limits: { maxRows, maxBytes },
    rowFormat: { format: 'values' },
    ...(safetyLagMs !== undefined && { safetyLagMs }),
  };
  const startOf = mode === 'Snapshot' ? nthPass(1) : null;
  const read: OpenList['read'] = (after = startOf, change = {}) =>
    source.read({ ...request, after, ...change }, signal);
  return {
    source,
    request,
    read,
    pass: (after = startOf, change = {}) => readAll(read(after, change), after),
  };
}

export async function readAll(
  reading: AsyncGenerator<Batch, PassEnd>,
  before: Offset | null = null,
): Promise<ReadPass> {
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done)
      return { batches, end: next.value, ids: idsOf(batches), offset: batches.at(-1)?.offset ?? before };
    batches.push(next.value);
  }
}

export function idsOf(batches: readonly Batch[]): readonly string[] {
  return batches.flatMap(({ rows }) => ('rows' in rows ? [...rows.rows].map(([id]) => String(id)) : []));
}
