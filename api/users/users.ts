import type { DocumentStore, DocumentWrite } from '../../coordination/documents.ts';
import type { Clock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import { everywhere, type Grant, isGranted } from '../access/roles.ts';

/** A user as stored. A local one logs in by password; one of OIDC has the grants of the groups at its last login. */
export interface User {
  readonly name: string;
  readonly source: 'local' | 'oidc';
  readonly grants: readonly Grant[];
  readonly isDisabled: boolean;
  /** Must be replaced at the next login: an administrator has set the password. */
  readonly mustSetPassword: boolean;
  readonly createdAt: string;
  readonly passwordSetAt?: string;
  /** Sessions that began before are not valid any more. ISO 8601 UTC. */
  readonly sessionsFrom: string;
  readonly passwordHash?: string;
}

export interface VersionedUser extends User {
  readonly version: string;
}

/** Exists once any user was created: from then on the first login does not work. */
const setUpKey = 'set-up';

/** The users of an installation. */
export class Users {
  readonly #documents: DocumentStore;
  readonly #clock: Clock;

  constructor(documents: DocumentStore, clock: Clock) {
    this.#documents = documents;
    this.#clock = clock;
  }

  /** One read for both, whether or not the user exists. */
  async forLogin(name: string): Promise<{ readonly user: User | undefined; readonly isSetUp: boolean }> {
    const [user, setUp] = await this.#documents.getAll([keyOf(name), setUpKey]);
    return { user: user?.value as User | undefined, isSetUp: setUp !== undefined };
  }

  async isSetUp(): Promise<boolean> {
    return (await this.#documents.get(setUpKey)) !== undefined;
  }

  async find(name: string): Promise<VersionedUser | undefined> {
    const found = await this.#documents.get(keyOf(name));
    return found && { ...(found.value as User), version: found.version };
  }

  /** Throws UserNotFound (permanent). */
  async require(name: string): Promise<VersionedUser> {
    const found = await this.find(name);
    if (found) return found;
    throw permanent('UserNotFound', `there is no user ${name}`);
  }

  async list(): Promise<readonly VersionedUser[]> {
    const found = await this.#documents.list('users/');
    return found.map(({ value, version }) => ({ ...(value as User), version }));
  }

  /** The first administrator. Throws UserExists (permanent) if any user was created before. */
  async setUp(name: string, passwordHash: string): Promise<void> {
    const user = this.make({ name, source: 'local', grants: adminGrants, passwordHash });
    const done = { at: user.createdAt, by: name };
    await this.#create([
      { key: setUpKey, value: done, ifVersion: '' },
      { key: keyOf(name), value: user, ifVersion: '' },
    ]);
  }

  /** Throws UserExists (permanent). */
  async create(user: User): Promise<void> {
    const isSetUp = await this.isSetUp();
    const first: DocumentWrite[] = isSetUp
      ? []
      : [{ key: setUpKey, value: { at: user.createdAt, by: user.name }, ifVersion: '' }];
    await this.#create([...first, { key: keyOf(user.name), value: user, ifVersion: '' }]);
  }

  /** Throws Conflict (transient) if it was changed since it was read. */
  async update({ version, ...user }: VersionedUser): Promise<void> {
    await this.#documents.write([{ key: keyOf(user.name), value: user, ifVersion: version }]);
  }

  async delete({ name, version }: VersionedUser): Promise<void> {
    await this.#documents.write([{ key: keyOf(name), value: undefined, ifVersion: version }]);
  }

  make(parts: Pick<User, 'name' | 'source' | 'grants'> & Partial<User>): User {
    const now = new Date(this.#clock.now()).toISOString();
    return {
      isDisabled: false,
      mustSetPassword: false,
      createdAt: now,
      sessionsFrom: now,
      ...(parts.passwordHash !== undefined && { passwordSetAt: now }),
      ...parts,
    };
  }

  /** Throws LastAdmin (permanent) if nobody but this user could administer users. */
  async requireOtherAdmin(name: string): Promise<void> {
    const others = (await this.list()).filter((each) => each.name !== name && !each.isDisabled);
    if (others.some(({ grants, passwordHash }) => passwordHash && isGranted(grants, 'admin', everywhere)))
      return;
    throw permanent('LastAdmin', `${name} is the last user with a password who can administer users`, {
      fix: 'give another user the role admin for all namespaces first',
    });
  }

  async #create(writes: readonly DocumentWrite[]): Promise<void> {
    try {
      await this.#documents.write(writes);
    } catch (thrown) {
      if ((await this.#documents.getAll(writes.map(({ key }) => key))).every((each) => !each)) throw thrown;
      throw permanent('UserExists', 'there is already such a user', {
        path: 'name',
        fix: 'use another name, or change the existing user',
      });
    }
  }
}

export const adminGrants: readonly Grant[] = [{ role: 'admin', namespaces: [everywhere] }];

function keyOf(name: string): string {
  return `users/${encodeURIComponent(name)}`;
}
