import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../kit/wait.ts';
import type { FromAgents, FromLeader, SimulatorInput, ToAgents } from './messages.ts';

/** Many agents in one process, the leader in another, on one etcd. */
export class Simulator {
  readonly decisions: FromLeader[] = [];
  readonly #agents: ChildProcess;
  readonly #input: SimulatorInput;
  #leader: ChildProcess | undefined;
  #leaderRssBytes = 0;

  constructor(input: SimulatorInput) {
    this.#input = input;
    this.#agents = start('agents.ts', input);
  }

  /** Adds an agent, which leads. Call it after the others have joined, otherwise it would assign all syncs to itself. */
  async lead(): Promise<void> {
    let isLeading = false;
    this.#leader = start('leader.ts', this.#input);
    this.#leader.on('message', (message: FromLeader) => {
      if (message.kind === 'leading') isLeading = true;
      if (message.kind === 'decision') this.decisions.push(message);
      this.#leaderRssBytes = message.rssBytes;
    });
    await until(() => isLeading, { what: 'the leader' });
  }

  /** The peak memory of the leader's process. */
  get leaderRssBytes(): number {
    return this.#leaderRssBytes;
  }

  async join(names: readonly string[]): Promise<void> {
    await this.#ask({ kind: 'join', names }, 'joined');
  }

  async leave(name: string): Promise<void> {
    await this.#ask({ kind: 'leave', name }, 'left');
  }

  /** Locks that the agents hold; those of the leader are not counted. */
  async countLocks(): Promise<number> {
    return (await this.#ask({ kind: 'count' }, 'count')).locks;
  }

  async stop(): Promise<void> {
    const ends = [this.#agents, this.#leader].map(
      (child) =>
        new Promise((resolve) => {
          if (!child || child.exitCode !== null || child.signalCode !== null) resolve(undefined);
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
  const program = fileURLToPath(new URL(file, import.meta.url));
  // As bin/idra starts an agent.
  return fork(program, [JSON.stringify(input)], { execArgv: ['--max-semi-space-size=4'] });
}
