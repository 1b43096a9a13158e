import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type CrashPoint, crashPoints } from '../../../core/crash-points.ts';
import { projectFolder } from '../processes.ts';
import { tempFolder } from '../temp.ts';

/** Orders for the process under test: a crash point at which it dies, stops (SIGSTOP) or waits once, or a jump of its wall clock. */
export type Order =
  | { readonly at: CrashPoint; readonly action: 'kill' | 'stop' }
  | { readonly at: CrashPoint; readonly action: 'delay'; readonly ms: number }
  | { readonly clockJumpMs: number };

/** The contents of IDRA_TEST_FAULTS, as JSON. */
export interface FaultEnvironment {
  readonly controlPort: number;
  readonly logFile: string;
  /** Connections to a port are redirected to another one: the test's proxy. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface FaultEvent {
  readonly did: 'kill' | 'stop' | 'delay';
  readonly at: CrashPoint;
}

/** The test's side of e2e/kit/faults/hook.ts, for one process and those that replace it. */
export class FaultControl {
  readonly #server: Server;
  readonly #logFile: string;
  readonly #ports: Readonly<Record<string, number>>;
  #socket: Socket | undefined;

  static async start(ports: Readonly<Record<string, number>> = {}): Promise<FaultControl> {
    const control = new FaultControl(join(await tempFolder('faults'), 'points'), ports);
    control.#server.listen(0, '127.0.0.1');
    await once(control.#server, 'listening');
    control.#server.unref();
    return control;
  }

  private constructor(logFile: string, ports: Readonly<Record<string, number>>) {
    this.#logFile = logFile;
    this.#ports = ports;
    this.#server = createServer((socket) => {
      socket.on('error', () => {}); // the process was killed
      socket.unref();
      this.#socket = socket;
    });
  }

  /** Environment of the process under test. */
  get env(): Record<string, string> {
    const { port } = this.#server.address() as { port: number };
    const faults: FaultEnvironment = { controlPort: port, logFile: this.#logFile, ports: this.#ports };
    const hook = `--import=${projectFolder}/e2e/kit/faults/hook.ts`;
    return { NODE_OPTIONS: hook, IDRA_TEST_FAULTS: JSON.stringify(faults) };
  }

  /** Returns false if the process is not listening yet. */
  order(order: Order): boolean {
    return this.#socket?.writable === true && this.#socket.write(`${JSON.stringify(order)}\n`);
  }

  /** All orders that were executed, in any of the processes. */
  get events(): readonly FaultEvent[] {
    return this.#lines().filter((line): line is FaultEvent => 'did' in line);
  }

  /** Crash points that were reached, in any of the processes. */
  get reached(): ReadonlySet<CrashPoint> {
    const names = this.#lines().flatMap((line) => ('reached' in line ? [line.reached] : []));
    return new Set(crashPoints.filter((point) => names.includes(point)));
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #lines(): (FaultEvent | { readonly reached: CrashPoint })[] {
    if (!existsSync(this.#logFile)) return [];
    // The last line may be truncated by a kill.
    return readFileSync(this.#logFile, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}
