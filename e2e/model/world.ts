import { setImmediate as turn } from 'node:timers/promises';
import type { CrashPoint } from '../../core/crash-points.ts';
import { type EventOwner, EventQueue, type ModelEvent } from './event-queue.ts';
import { Random } from './random.ts';
import { TraceHash } from './trace-hash.ts';

/**
 * Time, randomness and events of one run of the model. One event is processed at a time, with everything that follows from it in the code
 * under test (its microtasks), before the next, so that a seed always gives the same run.
 */
export class World {
  readonly random: Random;
  readonly trace = new TraceHash();
  /** The last events, if they were requested. */
  readonly story: string[] | undefined;
  nowMs = 0;
  steps = 0;
  violation: string | undefined;
  /** Called at each crash point, with the process that has reached it. */
  onCrashPoint: (point: CrashPoint, owner: EventOwner) => Promise<void> | undefined = () => undefined;
  readonly #queue = new EventQueue();
  #order = 0;
  #acting: EventOwner | undefined;

  constructor(seed: number, options: { readonly isVerbose: boolean }) {
    this.random = new Random(seed);
    this.story = options.isVerbose ? [] : undefined;
  }

  at(delayMs: number, owner: EventOwner | undefined, label: string, run: () => void): ModelEvent {
    const event = { atMs: this.nowMs + delayMs, order: this.#order++, owner, label, run, isCancelled: false };
    this.#queue.push(event);
    return event;
  }

  /** Now, after everything that is already due at this moment. */
  again(event: ModelEvent): void {
    event.atMs = this.nowMs;
    event.order = this.#order++;
    this.#queue.push(event);
  }

  fail(violation: string): void {
    this.violation ??= `${violation} (at ${Math.round(this.nowMs)} ms, step ${this.steps})`;
  }

  log(text: string): void {
    this.story?.push(`${this.nowMs.toFixed(1).padStart(9)} ${text}`);
  }

  /** Until that time, or the first violation. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      const event = this.#next(untilMs);
      if (event === undefined) {
        // Nothing happens, and time passes.
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
      this.nowMs = event.atMs;
      this.steps += 1;
      if (this.steps > mostSteps) this.fail('it comes to no rest');
      this.trace.add(event.label);
      this.log(event.label);
      this.#acting = event.owner;
      acting = this;
      event.run();
      // Everything that follows from it has completed when the next turn of the event loop begins.
      await turn();
      if (this.violation !== undefined) return;
    }
  }

  reach(point: CrashPoint): Promise<void> | undefined {
    return this.#acting === undefined ? undefined : this.onCrashPoint(point, this.#acting);
  }

  #next(untilMs: number): ModelEvent | undefined {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.atMs > untilMs) return undefined;
      this.#queue.pop();
      if (!event.isCancelled && event.owner?.holds(event) !== true) return event;
      // A held event is rescheduled with a time in the past.
      this.nowMs = event.atMs;
    }
  }
}

/** Many times what a run needs. */
const mostSteps = 30_000;

let acting: World | undefined;

/** The world whose event is being processed: several may run in turns. */
export function actingWorld(): World | undefined {
  return acting;
}
