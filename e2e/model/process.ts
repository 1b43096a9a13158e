import type { Clock } from '../../core/clock.ts';
import type { ModelEvent } from './event-queue.ts';
import type { World } from './world.ts';

/** By then, timers that became due while it was stopped, and late ones, have fired. */
const wakesWithinMs = 10;
const epochMs = Date.UTC(2026, 0, 1);

/** A process of the model: it can be stopped and continued (SIGSTOP, SIGCONT) or killed, and its wall clock may jump. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly #world: World;
  readonly #bootMs: number;
  #held: ModelEvent[] = [];
  #pauses = 0;
  #awakeMs = 0;
  #isDead = false;
  #wallMs = epochMs;

  constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    this.#bootMs = world.nowMs;
    this.clock = {
      now: () => this.#wallMs + this.#world.nowMs,
      monotonicMs: () => this.#world.nowMs - this.#bootMs,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Neither stopped nor just continuing, with overdue timers. */
  get isAwake(): boolean {
    return !this.#isDead && !this.isPaused && this.#world.nowMs >= this.#awakeMs;
  }

  kill(): void {
    this.#isDead = true;
    this.#held = [];
  }

  pause(forMs: number): void {
    if (this.#isDead) return;
    this.#pauses += 1;
    this.#world.at(forMs, undefined, `${this.name} goes on`, () => this.#resume());
  }

  jumpWallClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Returns true if the event happens later, or never. */
  holds(event: ModelEvent): boolean {
    if (this.#isDead) return true;
    if (!this.isPaused) return false;
    this.#held.push(event);
    return true;
  }

  /** A timer, delayed as on the event loop of a busy machine. */
  timer(ms: number, run: () => void): ModelEvent {
    const late = this.#world.random.between(0, 3);
    return this.#world.at(Math.max(0, ms) + late, this, `${this.name} timer`, run);
  }

  /** Everything that waited happens at once, timers before or after messages, each kind in order. */
  #resume(): void {
    this.#pauses -= 1;
    if (this.isPaused) return;
    this.#awakeMs = this.#world.nowMs + wakesWithinMs;
    const isTimer = (event: ModelEvent) => event.label.endsWith(' timer');
    const areTimersFirst = this.#world.random.isTrue(0.5);
    const held = this.#held.splice(0);
    const first = held.filter((event) => isTimer(event) === areTimersFirst);
    const second = held.filter((event) => isTimer(event) !== areTimersFirst);
    for (const event of [...first, ...second]) if (!event.isCancelled) this.#world.again(event);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = () => {
        timer.isCancelled = true;
        reject(signal?.reason);
      };
      const timer = this.timer(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}
