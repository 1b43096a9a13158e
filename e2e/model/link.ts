import type { Process } from './process.ts';
import type { World } from './world.ts';

/** How a link between a process and a server behaves; probabilities are per message. */
export interface Weather {
  /** The maximum delay of a message, when nothing else is wrong. */
  readonly delayMs: number;
  readonly lost: number;
  /** Delivered so late that nobody waits for it any more. */
  readonly late: number;
  readonly lateMs: number;
  /** A request that is executed twice. */
  readonly doubled: number;
}

export const calm: Weather = { delayMs: 4, lost: 0, late: 0, lateMs: 0, doubled: 0 };

/** The path of messages between one process and one server. */
export class Link {
  readonly process: Process;
  readonly #world: World;
  readonly #name: string;
  weather: Weather = calm;
  #cutUntilMs = 0;

  constructor(world: World, process: Process, name: string) {
    this.process = process;
    this.#world = world;
    this.#name = name;
  }

  get isCut(): boolean {
    return this.#world.nowMs < this.#cutUntilMs;
  }

  cut(forMs: number): void {
    this.#cutUntilMs = Math.max(this.#cutUntilMs, this.#world.nowMs + forMs);
  }

  /** Sends to the server, whatever happens to the process meanwhile. */
  toServer(what: string, arrive: () => void): void {
    this.#send(undefined, `${this.process.name} > ${this.#name} ${what}`, arrive);
    if (this.#world.random.isTrue(this.weather.doubled))
      this.#send(undefined, `${this.process.name} > ${this.#name} ${what} again`, arrive);
  }

  toProcess(what: string, arrive: () => void): void {
    this.#send(this.process, `${this.process.name} < ${this.#name} ${what}`, arrive);
  }

  /** In order, and never lost while the stream lasts: `lastMs` is when the previous message arrives. */
  stream(what: string, lastMs: number, arrive: () => void): number {
    const { random, nowMs } = this.#world;
    const atMs = Math.max(lastMs, this.#cutUntilMs, nowMs) + random.between(0.1, this.weather.delayMs);
    this.#world.at(atMs - nowMs, this.process, `${this.process.name} < ${this.#name} ${what}`, arrive);
    return atMs;
  }

  #send(owner: Process | undefined, label: string, arrive: () => void): void {
    const { random, nowMs } = this.#world;
    const { weather } = this;
    if (random.isTrue(weather.lost) || (this.isCut && random.isTrue(0.5))) {
      this.#world.log(`${label}: lost`);
      return;
    }
    const lateMs = random.isTrue(weather.late) ? random.between(0, weather.lateMs) : 0;
    const delayMs = Math.max(0, this.#cutUntilMs - nowMs) + lateMs + random.between(0.1, weather.delayMs);
    this.#world.at(delayMs, owner, label, arrive);
  }
}
