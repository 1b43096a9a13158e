import { randomBytes } from 'node:crypto';
import type { Batch } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { type Finding, permanent, transient } from '../../../core/errors.ts';
import type { WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Row } from '../../../core/values.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { causeOf, isNameRefused, statusOf } from '../errors.ts';
import type { S3Session } from '../session.ts';
import { isReserved, manifestKey, ownFolder, readManifest } from './commit-rows.ts';
import { partBytes, uploadParts } from './upload.ts';

/** Objects that are written at the same time. */
const concurrentPuts = 8;
/** Somebody else writes the same object again and again. */
const attempts = 5;
const maxKeyBytes = 1_024;
const maxRejections = 10;
const tokenField = 'idra-token';
const attemptField = 'idra-attempt';

export interface RawObjectsInit {
  readonly session: S3Session;
  readonly prefix: string;
  readonly plan: WritePlan;
  readonly token: Token;
}

/** -1: there is no such column. */
interface Places {
  readonly key: number;
  readonly content: number;
  readonly contentType: number;
}

interface RawObject {
  readonly row: Row;
  readonly key: string;
  readonly content: Buffer;
  readonly contentType: string | undefined;
}

/**
 * Rows of `format: Raw` as objects of their own names. The same row is the same object, so a batch that is written again after a crash changes
 * nothing. An object is replaced only if it is the one that was looked at, and not if a successor with a higher token has written it.
 */
export class RawObjects {
  readonly #init: RawObjectsInit;
  readonly #at: Places;

  constructor(init: RawObjectsInit) {
    this.#init = init;
    this.#at = requireRawColumns(init.plan);
  }

  async write(
    { rows }: Batch,
    signal: AbortSignal,
  ): Promise<{
    readonly written: number;
    readonly rejected: number;
    readonly rejections: readonly Rejection[];
  }> {
    if (!('rows' in rows)) throw permanent('Bug', `objects are written with rows of format ${rows.format}`);
    // Of several rows of one key the last one counts.
    const objects = new Map<string, RawObject>();
    const refused: Rejection[] = [];
    for (const row of rows.rows) {
      const object = this.#objectOf(row);
      if (typeof object === 'string') refused.push(this.#refused(row, object));
      else {
        objects.delete(object.key);
        objects.set(object.key, object);
      }
    }
    const all = [...objects.values()];
    for (let from = 0; from < all.length; from += concurrentPuts) {
      const some = all.slice(from, from + concurrentPuts);
      const reasons = await Promise.all(some.map((each) => this.#put(each, signal)));
      for (const [index, { row }] of some.entries()) {
        const reason = reasons[index];
        if (reason !== undefined) refused.push(this.#refused(row, reason));
      }
    }
    return {
      written: rows.rows.length - refused.length,
      rejected: refused.length,
      rejections: refused.slice(0, maxRejections),
    };
  }

  /** Throws if the row stops the Sync. */
  #refused(row: Row, message: string): Rejection {
    const { plan, session } = this.#init;
    const rejection: Rejection = { code: 'ValueNotKept', message, ...namedAs(rowName(plan, row)) };
    if (plan.onError === 'Stop') throw refusedRow(rejection, session.where);
    return rejection;
  }

  /** Why a row is no object, as a text. */
  #objectOf(row: Row): RawObject | string {
    const [name, content, type] = [row[this.#at.key], row[this.#at.content], row[this.#at.contentType]];
    if (typeof name !== 'string' || name === '') return 'it has no key';
    if (!Buffer.isBuffer(content)) return 'it has no content';
    if (isReserved(name)) return `its key has a folder ${ownFolder}, which Idra uses itself`;
    if (!name.isWellFormed()) return 'its key has half of a surrogate pair';
    const key = this.#init.prefix + name;
    if (Buffer.byteLength(key) > maxKeyBytes) return `its key has more than ${maxKeyBytes} bytes`;
    if (typeof type !== 'string' || type === '') return { row, key, content, contentType: undefined };
    // It travels in a header.
    if (!/^[\x20-\x7e]{1,256}$/.test(type)) return 'its contentType is no media type of ASCII characters';
    return { row, key, content, contentType: type };
  }

  /** Undefined: it was written. A text: why the server has no such object. */
  async #put(object: RawObject, signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.#write(object, signal);
      return undefined;
    } catch (thrown) {
      if (!isNameRefused(causeOf(thrown))) throw thrown;
      return 'the server refuses its key';
    }
  }

  async #write(object: RawObject, signal: AbortSignal): Promise<void> {
    const { session, token } = this.#init;
    const attempt = randomBytes(12).toString('hex');
    for (let number = 0; number < attempts; number++) {
      const there = await this.#head(object.key, signal);
      const { [attemptField]: lastAttempt, [tokenField]: lastToken = '0' } = there?.metadata ?? {};
      // A retry of the driver is refused by its own first attempt, whose answer was lost.
      if (lastAttempt === attempt) return;
      if (/^\d{1,19}$/.test(lastToken) && BigInt(lastToken) > token) await this.#requireOwner(signal);
      const metadata = { [tokenField]: String(token), [attemptField]: attempt };
      if (await this.#putOver(object, there?.etag ?? 'none', metadata, signal)) return;
    }
    throw transient(
      'ConditionLost',
      `${session.where}: other writes of ${object.key} came between: it is tried again`,
    );
  }

  /** The answer to a HEAD has no code: why the server finds a request wrong shows when the object is written. */
  async #head(key: string, signal: AbortSignal): ReturnType<S3Session['head']> {
    try {
      return await this.#init.session.head(key, signal);
    } catch (thrown) {
      if (statusOf(causeOf(thrown)) === 400) return undefined;
      throw thrown;
    }
  }

  /** An object with a higher token is that of a successor, or of another Sync, whose tokens say nothing about this one: the manifest knows. */
  async #requireOwner(signal: AbortSignal): Promise<void> {
    const { session, prefix, plan, token } = this.#init;
    const found = await readManifest(session, manifestKey(prefix, plan.uid), signal);
    if (!found || found.manifest.closed || BigInt(found.manifest.token) !== token) throw writeIsFenced(token);
  }

  async #putOver(
    { key, content, contentType }: RawObject,
    over: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { session } = this.#init;
    const options = { over, contentType: contentType ?? 'application/octet-stream', metadata };
    await reach('write:before');
    if (content.length <= partBytes) return (await session.put(key, content, options, signal)) !== undefined;
    // What an owner that was killed has left would be paid for.
    for (const upload of await session.uploads.of(key, signal).catch(() => []))
      await session.uploads.abort(key, upload, signal);
    return (await uploadParts(session, key, content, options, signal)) !== undefined;
  }
}

/** A set of objects is swapped by its list in the manifest, and whole objects are in no list. */
export function onlyAppended(writeMode: WriteMode): Finding {
  return {
    severity: 'error',
    code: 'ManifestInvalid',
    path: 'spec.writeMode',
    message: `objects of format Raw have names of their own, so ${writeMode} cannot put a new set in the place of the old one`,
    fix: 'use writeMode Append: an object of the same name is replaced',
  };
}

/** Where the columns of an object are in a row. Throws ManifestInvalid if there are others. */
export function requireRawColumns({ columns: { columns } }: WritePlan): Places {
  const at = (name: string) => columns.findIndex((each) => each.name === name);
  const kindOf = (name: string) => columns[at(name)]?.source.type.kind;
  const others = columns.filter(({ name }) => !['key', 'content', 'contentType'].includes(name));
  const isType = ['text', undefined].includes(kindOf('contentType'));
  if (kindOf('key') === 'text' && kindOf('content') === 'bytes' && isType && others.length === 0)
    return { key: at('key'), content: at('content'), contentType: at('contentType') };
  throw permanent(
    'ManifestInvalid',
    'with format Raw the columns must be key (text), content (bytes) and, if wanted, contentType (text)',
    {
      path: 'spec.destination.format',
      fix: 'read objects with format Raw, or name and cast the columns by spec.transforms; other rows need another format',
    },
  );
}
