import { createHash, randomBytes } from 'node:crypto';
import type { DocumentStore, StoredDocument } from '../../coordination/documents.ts';
import type { Clock } from '../../core/clock.ts';
import type { User } from './users.ts';

export interface SessionLimits {
  /** Without a request by the user. */
  readonly idleMs: number;
  /** After the login, whatever happens. */
  readonly absoluteMs: number;
}

export interface Session {
  readonly user: string;
  /** A session that may only set a new password. */
  readonly setsPassword: boolean;
  /** Sent back in a header with each change. */
  readonly csrf: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly ip: string;
  readonly userAgent: string;
  /** Where the user has no record yet: the first login. */
  readonly isFirst?: true;
}

export interface FoundSession extends Session {
  /** Of its document; not the secret of the cookie. */
  readonly key: string;
}

/** The name requires a secure connection, the path / and no domain, so that no other host can set it. */
export const sessionCookie = '__Host-idra-session';
const passwordMs = 10 * 60_000;
const mostOfOneUser = 20;
/** How exactly the last request is recorded: not each one is written. */
const seenStepMs = 60_000;

/** Sessions in the store: each replica knows all of them, and one that is ended is ended everywhere. Only hashes of their secrets. */
export class Sessions {
  readonly #documents: DocumentStore;
  readonly #clock: Clock;
  readonly limits: SessionLimits;

  constructor(documents: DocumentStore, clock: Clock, limits: SessionLimits) {
    this.#documents = documents;
    this.#clock = clock;
    this.limits = limits;
  }

  /** Returns the value of the cookie, which is stored nowhere. */
  async begin(
    parts: Pick<Session, 'user' | 'setsPassword' | 'ip' | 'userAgent' | 'isFirst'>,
    /** When what it is based on was read: a password that is changed meanwhile ends it. */
    sinceMs: number = this.#clock.now(),
  ): Promise<{ readonly cookie: string; readonly session: FoundSession }> {
    const secret = randomBytes(32).toString('base64url');
    const now = this.#clock.now();
    const session: Session = {
      ...parts,
      userAgent: parts.userAgent.slice(0, 200),
      csrf: randomBytes(24).toString('base64url'),
      createdAtMs: sinceMs,
      seenAtMs: now,
    };
    const key = keyOf(parts.user, secret);
    await this.#documents.write([{ key, value: session, ifVersion: '' }]);
    await this.#limit(parts.user);
    const cookie = `${Buffer.from(parts.user).toString('base64url')}.${secret}`;
    return { cookie, session: { ...session, key } };
  }

  /** Undefined: unknown, expired, or its user may not use it any more. */
  async find(
    cookie: string,
    isUse = true,
  ): Promise<{ readonly session: FoundSession; readonly user: User | undefined } | undefined> {
    const [name = '', secret = ''] = cookie.split('.');
    const user = Buffer.from(name, 'base64url').toString();
    if (secret.length !== 43 || user.length === 0 || user.length > 300) return undefined;
    const key = keyOf(user, secret);
    const [stored, owner] = await this.#documents.getAll([key, `users/${encodeURIComponent(user)}`]);
    if (!stored) return undefined;
    const session = stored.value as Session;
    const ownerNow = owner?.value as User | undefined;
    if (this.#isOver(session) || !isValidFor(session, ownerNow)) {
      await this.#delete(stored);
      return undefined;
    }
    if (isUse) await this.#seen(stored, session);
    return { session: { ...session, key }, user: ownerNow };
  }

  async end(key: string): Promise<void> {
    await this.#documents.write([{ key, value: undefined }]);
  }

  async list(user: string): Promise<readonly FoundSession[]> {
    const found = await this.#documents.list(folderOf(user));
    return found
      .map(({ key, value }) => ({ ...(value as Session), key }))
      .filter((each) => !this.#isOver(each));
  }

  /** All of a user except one. */
  async endAll(user: string, exceptKey?: string): Promise<number> {
    const keys = (await this.#documents.list(folderOf(user))).map(({ key }) => key);
    const ended = keys.filter((key) => key !== exceptKey);
    for (const key of ended) await this.end(key);
    return ended.length;
  }

  /** Deletes what has expired. */
  async sweep(): Promise<void> {
    for (const stored of await this.#documents.list('sessions/'))
      if (this.#isOver(stored.value as Session)) await this.#delete(stored);
  }

  #isOver({ createdAtMs, seenAtMs, setsPassword }: Session): boolean {
    const now = this.#clock.now();
    const { idleMs, absoluteMs } = this.limits;
    return now - seenAtMs > idleMs || now - createdAtMs > (setsPassword ? passwordMs : absoluteMs);
  }

  async #seen({ key, version }: StoredDocument, session: Session): Promise<void> {
    const now = this.#clock.now();
    if (now - session.seenAtMs < Math.min(seenStepMs, this.limits.idleMs / 4)) return;
    const write = { key, value: { ...session, seenAtMs: now }, ifVersion: version };
    // Another request of the same session was first.
    await this.#documents.write([write]).catch(() => {});
  }

  async #delete({ key, version }: StoredDocument): Promise<void> {
    await this.#documents.write([{ key, value: undefined, ifVersion: version }]).catch(() => {});
  }

  async #limit(user: string): Promise<void> {
    const all = await this.list(user);
    const oldest = [...all].sort((a, b) => a.seenAtMs - b.seenAtMs).slice(0, -mostOfOneUser);
    for (const { key } of oldest) await this.end(key);
  }
}

function isValidFor(session: Session, user: User | undefined): boolean {
  if (!user) return session.isFirst === true;
  if (session.isFirst) return false;
  return !user.isDisabled && session.createdAtMs >= Date.parse(user.sessionsFrom);
}

function folderOf(user: string): string {
  return `sessions/${encodeURIComponent(user)}/`;
}

function keyOf(user: string, secret: string): string {
  return folderOf(user) + createHash('sha256').update(secret).digest('base64url');
}
