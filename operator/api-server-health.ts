import type { Clock } from '../core/clock.ts';
import type { Check } from '../process/health-server.ts';

/** The Lease alone causes a request every other second. */
const silentMs = 30_000;

/** Whether the API server answers, derived from the responses to regular requests. */
export class ApiServerHealth {
  readonly #clock: Clock;
  #answeredMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#answeredMs = clock.monotonicMs();
  }

  /** `status`: HTTP status of a response, 0 for none. */
  answered(status: number): void {
    if (status > 0 && status < 500) this.#answeredMs = this.#clock.monotonicMs();
  }

  readonly check: Check = () => {
    const silentForMs = this.#clock.monotonicMs() - this.#answeredMs;
    return (
      silentForMs < silentMs || `the API server has not answered for ${Math.floor(silentForMs / 1_000)} s`
    );
  };
}
