import type { Clock } from '../../core/clock.ts';

export interface StatusRateLimits {
  /** Writes of one object in any minute. */
  readonly perObjectAMinute: number;
  /** Writes of all objects together in any second. */
  readonly perSecond: number;
}

const defaultLimits: StatusRateLimits = { perObjectAMinute: 12, perSecond: 50 };

/** Writes of one object that may follow each other at once; progress may use only one of them, the rest is reserved for news. */
const objectBurst = 3;
/** Share of `perSecond` that may be written at once. */
const burstShare = 0.2;
/** A turn that is not taken expires after this time: there was nothing to write. */
const turnMs = 2_000;

export type ChangeKind = 'news' | 'progress';

export type Turn =
  | { readonly mayWrite: true }
  /** Ask again after this time; undefined: `onTurn` is called. */
  | { readonly mayWrite: false; readonly againInMs: number | undefined };

/**
 * One budget for all status writes: a limit per object, a limit for all, and news before mere progress. Only the keys of waiting objects
 * are kept: at its turn, an object writes its current state.
 */
export class StatusRateLimiter {
  /** Called when it is a waiting key's turn. */
  onTurn: (key: string) => void = () => {};
  readonly #clock: Clock;
  readonly #limits: StatusRateLimits;
  readonly #all: Bucket;
  readonly #objects = new Map<string, Bucket>();
  /** In order of arrival. */
  readonly #waiting = { news: new Set<string>(), progress: new Set<string>() };
  /** Keys whose turn it is, and since when. */
  readonly #turns = new Map<string, number>();
  /** Keys whose next write is already counted. */
  readonly #counted = new Set<string>();
  #isServing = false;

  constructor(clock: Clock, limits: StatusRateLimits = defaultLimits) {
    const { perSecond } = limits;
    this.#clock = clock;
    this.#limits = limits;
    const capacity = Math.max(1, Math.floor(perSecond * burstShare));
    this.#all = new Bucket(
      capacity,
      (perSecond - capacity) / 1_000 || perSecond / 1_000,
      clock.monotonicMs(),
    );
  }

  ask(key: string, kind: ChangeKind): Turn {
    const nowMs = this.#clock.monotonicMs();
    const givenMs = this.#turns.get(key);
    this.#turns.delete(key);
    const againInMs = this.#bucketOf(key).waitMs(nowMs, kind === 'news' ? 1 : objectBurst);
    if (againInMs > 0) {
      this.#leaveLine(key);
      return { mayWrite: false, againInMs };
    }
    const hasTurn = givenMs !== undefined && nowMs - givenMs <= turnMs;
    if (hasTurn || this.#isFree(kind, nowMs)) {
      if (!hasTurn) this.#all.take(nowMs);
      this.#leaveLine(key);
      this.#bucketOf(key).take(nowMs);
      this.#counted.add(key);
      return { mayWrite: true };
    }
    this.#waiting[kind === 'news' ? 'progress' : 'news'].delete(key);
    this.#waiting[kind].add(key);
    void this.#serve();
    return { mayWrite: false, againInMs: undefined };
  }

  /** Call for every write of a status, including those that were not requested here: each counts. */
  written(key: string): void {
    if (this.#counted.delete(key)) return;
    const nowMs = this.#clock.monotonicMs();
    this.#all.take(nowMs);
    this.#bucketOf(key).take(nowMs);
  }

  forget(key: string): void {
    this.#leaveLine(key);
    this.#objects.delete(key);
    this.#turns.delete(key);
    this.#counted.delete(key);
  }

  #isFree(kind: ChangeKind, nowMs: number): boolean {
    const { news, progress } = this.#waiting;
    const isFirst = news.size === 0 && (kind === 'news' || progress.size === 0);
    return isFirst && this.#all.waitMs(nowMs, 1) <= 0;
  }

  #leaveLine(key: string): void {
    this.#waiting.news.delete(key);
    this.#waiting.progress.delete(key);
  }

  #bucketOf(key: string): Bucket {
    const known = this.#objects.get(key);
    if (known) return known;
    const { perObjectAMinute } = this.#limits;
    const made = new Bucket(
      objectBurst,
      (perObjectAMinute - objectBurst) / 60_000,
      this.#clock.monotonicMs(),
    );
    this.#objects.set(key, made);
    return made;
  }

  /** While keys are waiting: grants one turn after the other. */
  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (let key = this.#first(); key !== undefined; key = this.#first()) {
        const waitMs = this.#all.waitMs(this.#clock.monotonicMs(), 1);
        if (waitMs > 0) {
          await this.#clock.sleep(waitMs);
          continue;
        }
        const nowMs = this.#clock.monotonicMs();
        this.#all.take(nowMs);
        this.#leaveLine(key);
        this.#turns.set(key, nowMs);
        this.onTurn(key);
      }
    } finally {
      this.#isServing = false;
    }
  }

  #first(): string | undefined {
    const { news, progress } = this.#waiting;
    const [first] = news.size > 0 ? news : progress;
    return first;
  }
}

/** A token bucket. */
class Bucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  constructor(capacity: number, perMs: number, nowMs: number) {
    this.#capacity = capacity;
    this.#perMs = perMs;
    this.#tokens = capacity;
    this.#atMs = nowMs;
  }

  /** Time until there are this many tokens; 0: now. */
  waitMs(nowMs: number, tokens: number): number {
    this.#refill(nowMs);
    return Math.max(0, Math.ceil((tokens - this.#tokens) / this.#perMs));
  }

  /** May go below zero. */
  take(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= 1;
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
  }
}
