import { hash } from 'node:crypto';
import { IdraError } from '../../../core/errors.ts';
import { causeOf, isMissing, statusOf } from '../errors.ts';
import type { S3Session } from '../session.ts';
import { fingerprint, fingerprintBytes, type ObjectVersion } from './ledger.ts';

/** More than these have no place in an offset. */
const maxUploads = 1_000;
const keyBytes = 8;
const entryBytes = keyBytes + fingerprintBytes;
/** Of no version. */
const none = 0;

/**
 * Keys with an upload in parts that was open when a scan began, each with the version of its object that this scan has seen. The objects of
 * these uploads appear later, with the time at which the upload began.
 */
export class OpenUploads {
  readonly #seen = new Map<string, number>();

  get size(): number {
    return this.#seen.size;
  }

  add(key: string): void {
    const name = nameOf(key);
    if (!this.#seen.has(name)) this.#seen.set(name, none);
  }

  saw(version: ObjectVersion): void {
    if (this.#seen.size === 0) return;
    const name = nameOf(version.key);
    if (this.#seen.has(name)) this.#seen.set(name, fingerprint(version));
  }

  /** Whether one of these uploads may have made this version, which was not there when the uploads were listed. */
  mayHaveMade(version: ObjectVersion): boolean {
    if (this.#seen.size === 0) return false;
    const seen = this.#seen.get(nameOf(version.key));
    return seen !== undefined && seen !== fingerprint(version);
  }

  encode(): string {
    const bytes = Buffer.alloc(this.#seen.size * entryBytes);
    let at = 0;
    for (const [name, version] of this.#seen) {
      bytes.write(name, at, 'hex');
      bytes.writeUIntBE(version, at + keyBytes, fingerprintBytes);
      at += entryBytes;
    }
    return bytes.toString('base64');
  }

  /** Undefined: it is no text of open uploads. */
  static decode(text: string): OpenUploads | undefined {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length % entryBytes !== 0) return undefined;
    const uploads = new OpenUploads();
    for (let at = 0; at < bytes.length; at += entryBytes) {
      const version = bytes.readUIntBE(at + keyBytes, fingerprintBytes);
      uploads.#seen.set(bytes.toString('hex', at, at + keyBytes), version);
    }
    return uploads;
  }
}

/** Undefined: the credentials or the server do not permit to list them, or there are too many to be remembered. */
export async function openUploads(
  session: S3Session,
  prefix: string,
  signal: AbortSignal,
): Promise<OpenUploads | undefined> {
  const uploads = new OpenUploads();
  try {
    for await (const key of session.uploads.open(prefix, signal)) {
      uploads.add(key);
      if (uploads.size > maxUploads) return undefined;
    }
  } catch (thrown) {
    if (isNotPermitted(thrown)) return undefined;
    throw thrown;
  }
  return uploads;
}

function isNotPermitted(thrown: unknown): boolean {
  if (!(thrown instanceof IdraError)) return false;
  const cause = causeOf(thrown);
  return thrown.code === 'PermissionDenied' || isMissing(cause) || [405, 501].includes(statusOf(cause) ?? 0);
}

function nameOf(key: string): string {
  return hash('sha1', key, 'hex').slice(0, 2 * keyBytes);
}
