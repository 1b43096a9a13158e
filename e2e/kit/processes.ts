import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { guardProcess, releaseProcess } from './guardian.ts';
import { patienceMs, until } from './wait.ts';

export const projectFolder: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

// Processes under test start in half the time if their modules are already compiled.
process.env.NODE_COMPILE_CACHE ??= `${projectFolder}/node_modules/.cache/compiled`;

export interface StartOptions {
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Run as another user (only root can). */
  readonly uid?: number;
  readonly gid?: number;
  /** Shown in errors; the command's name by default. */
  readonly name?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process in its own process group, which dies with this one. Its lines are kept as they arrive. */
export class RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  exit: Exit | undefined;
  readonly #child: ChildProcess;
  readonly #closed: Promise<Exit>;

  constructor(child: ChildProcess, pid: number, name: string) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    guardProcess(pid);
    keepLines(child.stdout, this.stdout);
    keepLines(child.stderr, this.stderr);
    child.once('exit', () => releaseProcess(pid));
    this.#closed = new Promise((resolve) => {
      // 'close' comes after the last line was read; 'exit' may come before.
      child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    child.unref();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  /** Waits until the process has ended by itself or by a signal. */
  async waitForExit(timeoutMs = patienceMs): Promise<Exit> {
    this.#child.ref();
    try {
      await until(() => this.exit, { what: `${this.name} (pid ${this.pid}) to end`, timeoutMs });
      return await this.#closed;
    } finally {
      this.#child.unref();
    }
  }

  /** Sends SIGTERM, and SIGKILL to whatever is still running after `graceMs`. */
  async stop(graceMs = 10_000): Promise<Exit> {
    this.kill('SIGTERM');
    await this.waitForExit(graceMs).catch(() => this.kill('SIGKILL'));
    return await this.waitForExit();
  }

  /** Waits for a line of stdout or stderr that matches, including earlier ones. */
  async waitForLine(pattern: RegExp | string, timeoutMs = patienceMs): Promise<string> {
    const matches = (line: string) =>
      typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line);
    const seen = () => this.stdout.find(matches) ?? this.stderr.find(matches);
    // An empty line can match as well, so the condition is that a line was found, not its text.
    const found = await until(() => (seen() !== undefined ? 'seen' : this.exit && 'ended'), {
      what: `${this.name} to print ${pattern}`,
      timeoutMs,
    }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${this.tail()}`);
    });
    const line = seen();
    if (found === 'ended' && line === undefined)
      throw new Error(this.describeEnd(`before it printed ${pattern}`));
    return line as string;
  }

  /** `etcd ended with status 1 too early` and its last lines. */
  describeEnd(when = 'too early'): string {
    const how = this.exit?.signal ? `signal ${this.exit.signal}` : `status ${this.exit?.code}`;
    return `${this.name} ended with ${how} ${when}\n${this.tail()}`;
  }

  tail(lines = 20): string {
    return [...this.stdout.slice(-lines), ...this.stderr.slice(-lines)]
      .map((line) => `  | ${line}`)
      .join('\n');
  }
}

/** Limited, since a server may write output for as long as a test file runs. */
const keptLines = 20_000;

function keepLines(stream: Readable | null, lines: string[]): void {
  if (stream === null) return;
  (stream as unknown as { unref(): void }).unref();
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line);
    if (lines.length > keptLines) lines.splice(0, keptLines / 2);
  });
}

export async function startProcess(
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<RunningProcess> {
  const { env = {}, name = command.split('/').at(-1) ?? command, ...rest } = options;
  const child = spawn(command, args, {
    ...rest,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (cause) =>
      reject(new Error(`${name} could not be started: ${cause.message}`, { cause })),
    );
  });
  return new RunningProcess(child, pid, name);
}

/** The `idra` command of this checkout. */
export async function startIdra(
  args: readonly string[],
  options: StartOptions = {},
): Promise<RunningProcess> {
  return await startProcess(`${projectFolder}/bin/idra`, args, {
    name: `idra ${args[0] ?? ''}`.trim(),
    ...options,
  });
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions extends Omit<StartOptions, 'name'> {
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a command to its end. A status other than 0 is a result, not an error. */
export function runCommand(
  command: string,
  args: readonly string[],
  { env = {}, input, timeoutMs = 300_000, ...rest }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const options = { ...rest, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 << 20 };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') {
        reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stderr}`, { cause: error }));
      } else if (child.killed) {
        // It may have ended with status 0, as if it had done everything.
        reject(new Error(`${command} ${args.join(' ')} did not end within ${timeoutMs} ms\n${stderr}`));
      } else {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      }
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Runs a command that must succeed and returns its stdout. */
export async function runOrFail(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with status ${code}\n${stdout}${stderr}`.trim());
  return stdout;
}
