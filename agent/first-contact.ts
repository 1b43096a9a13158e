import { createHash } from 'node:crypto';
import type { Trial, Trials } from '../coordination/contract.ts';
import type { Connector, SystemAccess } from '../core/connector.ts';
import type { SessionPool } from '../core/sessions.ts';
import type { RunContext } from './engine/context.ts';

type DefinitionOf = RunContext['definitionOf'];

/** The name of an agent, and the instance id of its process. */
export type Self = Pick<Trial, 'agent' | 'instance'>;

/**
 * Wraps the connectors so that each first contact to a DataSource is recorded in etcd (coordination/session/trials.ts) until it has
 * ended. A DataSource that this process has reached once is trusted from then on; one that fails is recorded at each attempt.
 */
export function withTrials(definitionOf: DefinitionOf, trials: Trials, self: Self): DefinitionOf {
  const contacts = new FirstContacts(trials, self);
  return (type) => {
    const definition = definitionOf(type);
    return { ...definition, load: async () => watched(await definition.load(), contacts) };
  };
}

function watched(connector: Connector, contacts: FirstContacts): Connector {
  const sessionsOf = (access: SystemAccess): SystemAccess =>
    access.sessions ? { ...access, sessions: contacts.watch(access, access.sessions) } : access;
  return {
    ...connector,
    check: (access, signal) => contacts.contact(access, () => connector.check(access, signal)),
    discover: (access, signal) => contacts.contact(access, () => connector.discover(access, signal)),
    // Some connectors connect only on use: their sessions are watched instead.
    openSource: (access, object, signal) => connector.openSource(sessionsOf(access), object, signal),
    openDestination: (access, object, signal) =>
      connector.openDestination(sessionsOf(access), object, signal),
  };
}

class FirstContacts {
  readonly #trials: Trials;
  readonly #self: Self;
  readonly #trusted = new Map<string, string>();
  /** One record for all concurrent attempts of this process at a DataSource. */
  readonly #underWay = new Map<string, { begun: Promise<() => Promise<void>>; users: number }>();

  constructor(trials: Trials, self: Self) {
    this.#trials = trials;
    this.#self = self;
  }

  watch(access: SystemAccess, sessions: SessionPool): SessionPool {
    return {
      lend: (key, open, signal) =>
        sessions.lend(key, (opening) => this.contact(access, () => open(opening)), signal),
    };
  }

  async contact<T>(access: SystemAccess, work: () => Promise<T>): Promise<T> {
    const { dataSource } = access;
    const identity = identityOf(access);
    if (this.#trusted.get(dataSource) === identity) return await work();
    const trial = this.#underWay.get(dataSource) ?? {
      begun: this.#trials.begin({ dataSource, identity, ...this.#self }),
      users: 0,
    };
    this.#underWay.set(dataSource, trial);
    trial.users += 1;
    let survived: (() => Promise<void>) | undefined;
    try {
      survived = await trial.begun;
      const result = await work();
      this.#trusted.set(dataSource, identity);
      return result;
    } finally {
      trial.users -= 1;
      if (trial.users === 0) {
        this.#underWay.delete(dataSource);
        // A record that cannot be deleted counts only if this process crashes.
        await survived?.().catch(() => {});
      }
    }
  }
}

/** Without secrets, because it is written to etcd. */
function identityOf({ config }: SystemAccess): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex');
}
