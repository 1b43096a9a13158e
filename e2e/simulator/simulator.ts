import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../kit/wait.ts';
import type { FromAgents, FromLeader, SimulatorInput, ToAgents } from './messages.ts';

/** Many agents in one process, the leader in another, on one etcd. */
export class Simulator {
  readonly decisions: FromLeader[] = [];
  readonly #agents: ChildProcess;
  readonly #leader: ChildProcess;
  #isLeading = false;

  constructor(input: SimulatorInput) {
    this.#agents = start('agents.ts', input);
    this.#leader = start('leader.ts', input);
    this.#leader.on('message', (message: FromLeader) => {
      if (message.kind === 'leading') this.#isLeading = true;
      else this.decisions.push(message);
    });
  }

  async untilLeading(): Promise<void> {
    await until(() => this.#isLeading, { what: 'the leader' });
  }

  async join(names: readonly string[]): Promise<void> {
    await this.#ask({ kind: 'join', names }, 'joined');
  }

  async leave(name: string): Promise<void> {
    await this.#ask({ kind: 'leave', name }, 'left');
  }

  /** Locks that the agents hold; those of the leader are not among them. */
  async countLocks(): Promise<number> {
    return (await this.#ask({ kind: 'count' }, 'count')).locks;
  }

  async stop(): Promise<void> {
    const ends = [this.#agents, this.#leader].map(
      (child) =>
        new Promise((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve(undefined);
          else child.once('exit', resolve).kill('SIGKILL');
        }),
    );
    await Promise.all(ends);
  }

  async #ask(message: ToAgents, answer: FromAgents['kind']): Promise<FromAgents> {
    return await new Promise((resolve, reject) => {
      const hear = (heard: FromAgents) => {
        if (heard.kind !== answer) return;
        this.#agents.off('exit', gone);
        this.#agents.off('message', hear);
        resolve(heard);
      };
      const gone = () => reject(new Error('the process of the agents has ended'));
      this.#agents.on('message', hear).once('exit', gone);
      this.#agents.send(message);
    });
  }
}

function start(file: string, input: SimulatorInput): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(input)]);
}
