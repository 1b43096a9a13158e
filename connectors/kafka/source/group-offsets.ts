import { offsetCommit } from '../connection/requests.ts';
import { BrokerError, brokerErrors, isCoordinatorError } from '../errors.ts';
import type { SessionHolder } from '../session-holder.ts';
import type { Positions } from './positions.ts';

const denied: readonly number[] = [
  brokerErrors.GROUP_AUTHORIZATION_FAILED,
  brokerErrors.TOPIC_AUTHORIZATION_FAILED,
];
const everyMs = 1_000;
const deadlineMs = 5_000;

/** Commits positions to a group, so that tools that show the lag of groups show this Sync. Nothing depends on it. */
export class GroupOffsets {
  readonly name: string;
  readonly #session: SessionHolder;
  #pending: Positions | undefined;
  #sentMs = Number.NEGATIVE_INFINITY;
  #isRefused = false;

  constructor(session: SessionHolder, name: string) {
    this.#session = session;
    this.name = name;
  }

  async commit(positions: Positions): Promise<void> {
    this.#pending = positions;
    if (performance.now() - this.#sentMs >= everyMs) await this.flush();
  }

  async flush(): Promise<void> {
    const positions = this.#pending;
    if (!positions || this.#isRefused) return;
    this.#pending = undefined;
    this.#sentMs = performance.now();
    try {
      await this.#send(positions);
    } catch {
      // Without the right, or while the group has members, tools do not see the positions.
    }
  }

  async #send(positions: Positions): Promise<void> {
    const session = await this.#session.held();
    if (!session) return;
    const signal = AbortSignal.timeout(deadlineMs);
    const topics = [...positions].map(([name, { offsets }]) => ({
      name,
      partitions: offsets
        .map((offset, partition) => ({ partition, offset }))
        .filter(({ offset }) => offset >= 0),
    }));
    const request = { group: this.name, topics };
    const errors = await session.retried({ signal, forMs: deadlineMs / 2 }, async () => {
      const node = await session.coordinator('group', this.name, { signal, forMs: 0 });
      const found = await session.ask(node, 'control', offsetCommit, request, { signal });
      const passing = found.find(isCoordinatorError);
      if (passing !== undefined) throw new BrokerError(passing);
      return found;
    });
    this.#isRefused = errors.some((error) => denied.includes(error));
  }
}
