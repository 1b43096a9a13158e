import { createHash } from 'node:crypto';
import type { Trial, Trials } from '../coordination/contract.ts';
import type { Connector, SystemAccess } from '../core/connector.ts';
import type { SessionPool } from '../core/sessions.ts';
import type { RunContext } from './engine/context.ts';

type DefinitionOf = RunContext['definitionOf'];

/** What an agent is called, and which process it is. */
export type Self = Pick<Trial, 'agent' | 'instance'>;

/**
 * The connectors, with each first contact to a DataSource noted in etcd (coordination/session/trials.ts) until it has ended. A DataSource that
 * was reached once by this process is trusted from then on; one that fails is noted at each try.
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
    // Some connect only when they are used: their sessions are watched instead.
    openSource: (access, object, signal) => connector.openSource(sessionsOf(access), object, signal),
    openDestination: (access, object, signal) =>
      connector.openDestination(sessionsOf(access), object, signal),
  };
}

class FirstContacts {
  readonly #trials: Trials;
  readonly #self: Self;
  readonly #trusted = new Map<string, string>();
  /** One note for all that this process tries of a DataSource at one time. */
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
        // A note that cannot be taken back counts only if this process ends without leaving.
        await survived?.().catch(() => {});
      }
    }
  }
}

/** Without secrets: it is written to etcd. */
function identityOf({ config }: SystemAccess): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex');
}
