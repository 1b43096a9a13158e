import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RequestType, SyncStatus } from '../../../core/status.ts';
import { guardProcess, releaseProcess } from '../../kit/guardian.ts';
import { until } from '../../kit/wait.ts';
import type { EngineSync, FromEngine, SyncEvent, ToEngine } from './messages.ts';

const hostFile = fileURLToPath(new URL('host.ts', import.meta.url));

/** What is known about one Sync in the engine. */
export interface SyncView {
  status: SyncStatus | undefined;
  /** Start times of the last completed passes, ms since 1970. */
  readonly passes: number[];
  lastFailureMs: number;
  end: string | undefined;
}

/** The engine's process, as seen by the tester: it can be killed, and is restarted on its state file with all its Syncs. */
export class Engine {
  readonly #stateFile: string;
  readonly #syncs = new Map<string, { readonly sync: EngineSync; readonly view: SyncView }>();
  #child: ChildProcess | undefined;
  #stderr = '';
  #requests = 0;
  #isExpectedToEnd = false;
  /** Set if it ended although nobody killed it. */
  crash: string | undefined;

  constructor(stateFile: string) {
    this.#stateFile = stateFile;
  }

  async start(): Promise<void> {
    this.#isExpectedToEnd = false;
    const child = fork(hostFile, [this.#stateFile], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    this.#child = child;
    if (child.pid !== undefined) guardProcess(child.pid);
    let isReady = false;
    child.stderr?.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString()).slice(-4_000);
    });
    child.on('message', (message: FromEngine) => {
      if (message.event === 'ready') isReady = true;
      else this.#heard(message);
    });
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) releaseProcess(child.pid);
      if (!this.#isExpectedToEnd) this.crash = `the engine ended with ${signal ?? code}: ${this.#stderr}`;
    });
    await until(() => isReady || this.crash, { what: 'the engine to start', timeoutMs: 60_000 });
    for (const { sync } of this.#syncs.values()) this.#send({ do: 'add', sync });
  }

  add(sync: EngineSync): SyncView {
    const view: SyncView = { status: undefined, passes: [], lastFailureMs: 0, end: undefined };
    this.#syncs.set(sync.name, { sync, view });
    this.#send({ do: 'add', sync });
    return view;
  }

  async remove(name: string): Promise<void> {
    const view = this.#syncs.get(name)?.view;
    this.#send({ do: 'remove', name });
    // A Sync that does not stop is reported elsewhere.
    await until(() => view?.end !== undefined, { what: `${name} to stop`, timeoutMs: 10_000 }).catch(
      () => {},
    );
    this.#syncs.delete(name);
  }

  request(name: string, type: RequestType): void {
    this.#send({ do: 'request', name, type, id: `r${++this.#requests}` });
  }

  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    for (const { view } of this.#syncs.values()) {
      view.passes.length = 0;
      view.end = undefined;
    }
    await this.start();
  }

  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.#isExpectedToEnd = true;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }

  #send(message: ToEngine): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  #heard(message: SyncEvent): void {
    const view = this.#syncs.get(message.name)?.view;
    if (!view) return;
    switch (message.event) {
      case 'status':
        view.status = message.status;
        break;
      case 'pass':
        view.passes.push(message.startMs);
        if (view.passes.length > 8) view.passes.shift();
        break;
      case 'failure':
        view.lastFailureMs = message.atMs;
        break;
      case 'end':
        view.end = message.error ?? 'stopped';
        break;
    }
  }
}
