import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DocumentStore } from '../../coordination/documents.ts';
import type { Clock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import { type Grant, intersection } from '../access/roles.ts';
import type { User } from './users.ts';

export interface Token {
  readonly id: string;
  readonly user: string;
  /** For people: what it is for. */
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt?: string;
  readonly hash: string;
}

const start = 'idra_';
const mostOfOneUser = 50;
const usedStepMs = 3_600_000;

/** Tokens for scripts, each with rights of its own, which end with those of its user. The token itself is shown once and not stored. */
export class Tokens {
  readonly #documents: DocumentStore;
  readonly #clock: Clock;

  constructor(documents: DocumentStore, clock: Clock) {
    this.#documents = documents;
    this.#clock = clock;
  }

  async create(parts: Pick<Token, 'user' | 'name' | 'grants' | 'expiresAt'>) {
    if ((await this.list(parts.user)).length >= mostOfOneUser) {
      throw permanent('RequestMalformed', `${parts.user} has ${mostOfOneUser} tokens already`, {
        fix: 'delete some of them first',
      });
    }
    const id = randomBytes(9).toString('base64url');
    const secret = randomBytes(32).toString('base64url');
    const createdAt = new Date(this.#clock.now()).toISOString();
    const token: Token = { id, ...parts, createdAt, hash: hashOf(secret) };
    await this.#documents.write([{ key: keyOf(parts.user, id), value: token, ifVersion: '' }]);
    const text = `${start}${Buffer.from(parts.user).toString('base64url')}.${id}.${secret}`;
    return { token, text };
  }

  /** The user and the rights at this moment; undefined: unknown, expired, deleted, or its user is disabled or another one. */
  async find(
    text: string,
  ): Promise<{ readonly token: Token; readonly grants: readonly Grant[] } | undefined> {
    if (!text.startsWith(start)) return undefined;
    const [name = '', id = '', secret = ''] = text.slice(start.length).split('.');
    const user = Buffer.from(name, 'base64url').toString();
    if (user === '' || user.length > 300 || !/^[\w-]{12}$/.test(id)) return undefined;
    const [stored, owner] = await this.#documents.getAll([
      keyOf(user, id),
      `users/${encodeURIComponent(user)}`,
    ]);
    const [token, ownerNow] = [stored?.value as Token | undefined, owner?.value as User | undefined];
    if (!stored || !token || !ownerNow || ownerNow.isDisabled) return undefined;
    // Left over from a deleted user of the same name.
    if (Date.parse(token.createdAt) < Date.parse(ownerNow.createdAt)) return undefined;
    if (!timingSafeEqual(Buffer.from(token.hash), Buffer.from(hashOf(secret)))) return undefined;
    const now = this.#clock.now();
    if (Date.parse(token.expiresAt) <= now) return undefined;
    if (now - Date.parse(token.lastUsedAt ?? token.createdAt) > usedStepMs) {
      const value = { ...token, lastUsedAt: new Date(now).toISOString() };
      await this.#documents.write([{ key: stored.key, value, ifVersion: stored.version }]).catch(() => {});
    }
    return { token, grants: intersection(token.grants, ownerNow.grants) };
  }

  async list(user: string): Promise<readonly Token[]> {
    return (await this.#documents.list(folderOf(user))).map(({ value }) => value as Token);
  }

  /** Throws TokenNotFound (permanent). */
  async delete(user: string, id: string): Promise<void> {
    if (!(await this.list(user)).some((each) => each.id === id))
      throw permanent('TokenNotFound', `there is no token ${id}`);
    await this.#documents.write([{ key: keyOf(user, id), value: undefined }]);
  }

  async deleteAll(user: string): Promise<void> {
    for (const { key } of await this.#documents.list(folderOf(user)))
      await this.#documents.write([{ key, value: undefined }]);
  }
}

function folderOf(user: string): string {
  return `tokens/${encodeURIComponent(user)}/`;
}

function keyOf(user: string, id: string): string {
  return folderOf(user) + id;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
