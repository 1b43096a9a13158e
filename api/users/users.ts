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
  /** Of OIDC: who this is at the provider, where names can be changed and given to others. */
  readonly subject?: string;
}

export interface VersionedUser extends User {
  readonly version: string;
}

/** Exists once any user was created: from then on the first login does not work. */
const setUpKey = 'set-up';
/** Written with each change that takes away an administrator. */
const adminRemovalKey = 'admin-removal';

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

  /** Throws Conflict (transient) if it was changed since it was read, and LastAdmin (permanent). */
  async update({ version, ...user }: VersionedUser): Promise<void> {
    await this.#replace(user.name, { key: keyOf(user.name), value: user, ifVersion: version });
  }

  /** Throws as `update`. */
  async delete({ name, version }: VersionedUser): Promise<void> {
    await this.#replace(name, { key: keyOf(name), value: undefined, ifVersion: version });
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

  /**
   * Somebody with a password must be able to administer users. Two administrators who remove each other at the same time write the same
   * document, so one of them is refused.
   */
  async #replace(name: string, write: DocumentWrite): Promise<void> {
    if (isAdministrator(write.value as User | undefined)) {
      await this.#documents.write([write]);
      return;
    }
    const turn = await this.#documents.get(adminRemovalKey);
    const all = await this.list();
    if (!isAdministrator(all.find((each) => each.name === name))) {
      await this.#documents.write([write]);
      return;
    }
    if (!all.some((each) => each.name !== name && isAdministrator(each)))
      throw permanent('LastAdmin', `${name} is the last user with a password who can administer users`, {
        fix: 'give another user the role admin for all namespaces first',
      });
    const value = { at: new Date(this.#clock.now()).toISOString(), user: name };
    await this.#documents.write([write, { key: adminRemovalKey, value, ifVersion: turn?.version ?? '' }]);
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

function isAdministrator(user: User | undefined): boolean {
  if (!user || user.isDisabled || user.passwordHash === undefined) return false;
  return isGranted(user.grants, 'admin', everywhere);
}

export const adminGrants: readonly Grant[] = [{ role: 'admin', namespaces: [everywhere] }];

function keyOf(name: string): string {
  return `users/${encodeURIComponent(name)}`;
}
