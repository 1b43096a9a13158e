import { randomUUID } from 'node:crypto';
import { connectCoordination } from './connect.ts';
import type { AgentInfo, Coordination } from './contract.ts';

export function agentOf(name: string, labels: Readonly<Record<string, string>> = {}): AgentInfo {
  return { name, labels, version: '0', instance: randomUUID() };
}

/** Connections of one test, closed with it. */
export class Connections {
  readonly #open: Coordination[] = [];
  readonly #server: { readonly endpoints: readonly string[]; readonly prefix: string };

  constructor(server: { readonly endpoints: readonly string[]; readonly prefix: string }) {
    this.#server = server;
  }

  open(endpoints = this.#server.endpoints): Coordination {
    const made = connectCoordination({ endpoints, prefix: this.#server.prefix });
    this.#open.push(made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((each) => each.close()));
  }
}
