import { Worker } from 'node:worker_threads';
import type { FileFolder } from '../../core/connector.ts';
import { transient } from '../../core/errors.ts';
import type { DestinationObject, SourceObject } from '../../core/sync-spec.ts';
import { ended, requireNoneStuck } from './connection/stuck-threads.ts';
import { fromPlain, type PlainError } from './errors.ts';

/** A file, and the folder that it must be in (allowed-file.ts). */
export interface FilePlace {
  readonly file: string;
  readonly folder?: FileFolder | undefined;
}

export type FileRole =
  | (FilePlace & { readonly role: 'source'; readonly object: SourceObject })
  | (FilePlace & { readonly role: 'destination'; readonly object: DestinationObject })
  | (FilePlace & { readonly role: 'system' });

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: unknown[];
}
export type Answer =
  /** The first message: the driver's addon is loaded. */
  | { readonly isLoaded: true }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError };

/** The methods of a file, with the types that they have when called from another thread. */
type Methods<T> = { readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] };
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? R : never;

/** Rows are short-lived. A small young generation is collected often, and a batch leaves no old rows on the heap. */
const youngGenerationMb = 8;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A file that is read or written in its own thread, so that no statement blocks the event loop, on which leases are renewed. Typed by the
 * class that does the work there. Its methods are synchronous, so that a call runs without interruption.
 */
export class FileThread<T> {
  readonly #role: FileRole;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  /** Ending a thread while it loads an addon crashes the whole process. */
  #loaded: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(role: FileRole) {
    this.#role = role;
  }

  /**
   * If the signal fires, the thread is ended and its transaction rolled back, because SQLite cannot be interrupted from outside. A later
   * call starts a new thread.
   */
  call<K extends keyof Methods<T> & string>(
    signal: AbortSignal | undefined,
    method: K,
    ...args: Arguments<T[K]>
  ): Promise<Result<T[K]>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const id = this.#nextId++;
      const stop = () => void this.#end(signal?.reason);
      const settle = () => {
        signal?.removeEventListener('abort', stop);
        this.#pending.delete(id);
        if (this.#pending.size === 0) this.#worker?.unref();
      };
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          resolve(result as Result<T[K]>);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      });
      signal?.addEventListener('abort', stop, { once: true });
      const worker = this.#running();
      worker.ref();
      worker.postMessage({ id, method, args } satisfies Call, args.flatMap(ownBuffers));
    });
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Ends the thread: its connection is closed and an open transaction rolled back. */
  async close(): Promise<void> {
    try {
      if (this.#worker && this.#pending.size === 0)
        await this.call(undefined, 'close' as never, ...([] as never));
    } finally {
      await this.#end(transient('Closed', `${this.#role.file} was closed`));
    }
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    requireNoneStuck(this.#role.file);
    // The same file with the extension of this one: .ts in a checkout, .js when compiled.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./connection/worker.${ending}`, import.meta.url), {
      workerData: this.#role,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    worker.on('message', (answer: Answer) => this.#settle(answer));
    worker.on('error', (error) => void this.#end(error, worker));
    worker.on(
      'exit',
      (code) =>
        void this.#end(transient('ThreadEnded', `the thread of ${this.#role.file} ended (${code})`), worker),
    );
    this.#loaded = new Promise((resolve) => {
      for (const event of ['message', 'error', 'exit']) worker.once(event, resolve);
    });
    this.#worker = worker;
    return worker;
  }

  #settle(answer: Answer): void {
    if ('isLoaded' in answer) return;
    const pending = this.#pending.get(answer.id);
    if ('error' in answer) pending?.reject(fromPlain(answer.error));
    else pending?.resolve(answer.result);
  }

  async #end(reason: unknown, gone?: Worker): Promise<void> {
    const worker = this.#worker;
    if (gone && gone !== worker) return;
    this.#worker = undefined;
    const loaded = this.#loaded;
    for (const pending of [...this.#pending.values()]) pending.reject(reason);
    await loaded;
    if (worker) await ended(this.#role.file, worker.terminate());
  }
}

/**
 * Packed rows are moved to the other thread, not copied, also as fields of an object; a buffer that shares its memory with others cannot be
 * moved.
 */
export function ownBuffers(value: unknown): ArrayBuffer[] {
  if (Array.isArray(value)) return value.every(isBytes) ? value.flatMap(ownBuffers) : [];
  if (isObject(value) && !isBytes(value))
    return Object.values(value).filter(Array.isArray).flatMap(ownBuffers);
  if (!isBytes(value) || value.byteLength !== value.buffer.byteLength) return [];
  return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
