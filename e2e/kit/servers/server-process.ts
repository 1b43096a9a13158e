import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from '../processes.ts';
import { removeFolder, tempFolder } from '../temp.ts';
import { patienceMs, until } from '../wait.ts';
import { serversFolder } from './find.ts';

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** A new folder for a server's data; removed by `ServerProcess.stop`, or when this process ends. */
export async function dataFolder(server: string, owner?: ServerUser): Promise<string> {
  const parent = join(await serversFolder(), 'run');
  await mkdir(parent, { recursive: true, mode: 0o755 });
  const folder = await tempFolder(server, parent);
  if (owner) await chown(folder, owner.uid, owner.gid);
  return folder;
}

export interface Launch {
  start(): Promise<RunningProcess>;
  /** Resolves when the server answers, rejects while it does not. */
  answers(): Promise<unknown>;
  readonly folder: string;
}

/** A server that a test owns: it can be killed, paused and restarted on its data. */
export class ServerProcess {
  readonly folder: string;
  readonly #launch: Launch;
  #process: RunningProcess;

  private constructor(launch: Launch, process: RunningProcess) {
    this.folder = launch.folder;
    this.#launch = launch;
    this.#process = process;
  }

  static async start(launch: Launch): Promise<ServerProcess> {
    return new ServerProcess(launch, await startAndWait(launch));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** How it ended, with its last lines, if it is not running. */
  get end(): string | undefined {
    return this.#process.isRunning ? undefined : this.#process.describeEnd('while it was needed');
  }

  /** Its output since the last start. */
  get lines(): readonly string[] {
    return [...this.#process.stdout, ...this.#process.stderr];
  }

  /** Sends the signal; unless it only stops or continues the process, waits until the process has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#process.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.#process.waitForExit();
  }

  /** Restarts it on the same port and data; kills it first if it is still running. */
  async restart(): Promise<void> {
    if (this.#process.isRunning) await this.kill();
    this.#process = await startAndWait(this.#launch);
  }

  /** Kills it and removes its data. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process.isRunning) {
      this.#process.kill('SIGCONT');
      await this.kill(signal);
    }
    await removeFolder(this.folder);
  }
}

async function startAndWait({ start, answers }: Launch): Promise<RunningProcess> {
  const running = await start();
  await until(
    async () => {
      if (!running.isRunning) return true;
      await answers();
      return true;
    },
    { what: `${running.name} to answer`, timeoutMs: Math.max(60_000, patienceMs), everyMs: 50 },
  ).catch(async (error: unknown) => {
    running.kill();
    throw new Error(`${(error as Error).message}\n${running.tail()}`);
  });
  if (!running.isRunning) {
    await running.waitForExit();
    throw new Error(running.describeEnd());
  }
  return running;
}
