import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { connectCoordination } from '../../coordination/connect.ts';
import type { Coordination } from '../../coordination/contract.ts';
import { installLedger, type LedgerEntry, type LedgerProof, proveLedger, readLedger } from '../kit/ledger.ts';
import { installMysqlLedger, readMysqlLedger } from '../kit/mysql-ledger.ts';
import {
  type EtcdServer,
  etcd,
  type MysqlServer,
  mysql,
  type PostgresServer,
  postgres,
} from '../kit/servers.ts';
import { tempFolder } from '../kit/temp.ts';
import { until } from '../kit/wait.ts';
import type { Writers } from '../kit/writers.ts';
import { ChaosAgent, passwordFile, type Surroundings } from './agents.ts';
import {
  applyFlows,
  type Databases,
  type Flow,
  flowWriters,
  makeFlows,
  makeTables,
  readBoth,
} from './workload.ts';

export interface FleetOptions {
  readonly agents: number;
  readonly flows: number;
  readonly leaseTtlMs: number;
}

/** A three-member etcd, real databases, agents as processes, and syncs between them; a ledger records every commit. */
export class ChaosFleet {
  readonly etcd: EtcdServer;
  readonly coordination: Coordination;
  readonly agents: readonly ChaosAgent[];
  readonly flows: readonly Flow[];
  readonly #databases: Databases;
  readonly #postgres: PostgresServer;
  readonly #mysql: MysqlServer;
  readonly #writers: Writers;

  /** Resolves when every sync is claimed, the ledgers record its commits, and the writers are running. */
  static async start({ agents: count, flows: flowCount, leaseTtlMs }: FleetOptions): Promise<ChaosFleet> {
    const [server, pg, my] = await Promise.all([
      etcd({ members: 3 }),
      postgres({ own: true }),
      mysql({ own: true }),
    ]);
    const databases = await makeDatabases(pg, my);
    const flows = makeFlows(flowCount);
    await makeTables(databases, flows);
    const coordination = connectCoordination(server);
    await applyFlows(coordination, flows, databases);
    const surroundings: Surroundings = {
      etcdEndpoints: server.endpoints,
      etcdPrefix: server.prefix,
      databasePorts: [pg.port, my.port],
      secretsFolder: await writeSecrets(databases),
      leaseTtlMs,
    };
    const names = Array.from({ length: count }, (_, index) => `agent-${index}`);
    const agents = await Promise.all(names.map((name) => ChaosAgent.start(name, surroundings)));
    const fleet = new ChaosFleet(server, coordination, agents, flows, databases, pg, my);
    try {
      await fleet.#begin();
      return fleet;
    } catch (error) {
      const idle = await fleet.#unclaimed();
      const said = agents.flatMap(({ name, lines }) => [`${name}:`, ...lines.slice(-10)]);
      await fleet.stop();
      throw new Error([(error as Error).message, ...idle, ...said].join('\n'), { cause: error });
    }
  }

  private constructor(
    server: EtcdServer,
    coordination: Coordination,
    agents: readonly ChaosAgent[],
    flows: readonly Flow[],
    databases: Databases,
    pg: PostgresServer,
    my: MysqlServer,
  ) {
    this.etcd = server;
    this.coordination = coordination;
    this.agents = agents;
    this.flows = flows;
    this.#databases = databases;
    this.#postgres = pg;
    this.#mysql = my;
    this.#writers = flowWriters(databases.source.url, flows);
  }

  async #begin(): Promise<void> {
    await until(async () => (await this.coordination.reports.readStatuses()).size === this.flows.length, {
      what: 'a status of every sync',
      timeoutMs: 60_000,
    });
    await until(() => this.#isEverythingClaimed(), { what: 'every sync to be claimed', timeoutMs: 60_000 });
    await installLedger(this.#databases.warehouse.url);
    if (this.flows.some(({ destination }) => destination === 'lake'))
      await installMysqlLedger(this.#databases.lake);
    await this.#writers.start(4);
  }

  async #isEverythingClaimed(): Promise<boolean> {
    const statuses = await this.coordination.reports.readStatuses();
    const failed = [...statuses.values()].find(({ state }) => state === 'Failed');
    assert.ok(!failed, `${failed?.uid}: ${failed?.message}`);
    return [...statuses.values()].every(({ fencingToken }) => fencingToken !== undefined);
  }

  /** Syncs without a known status, with the agent that should run each and the agent that has its lock. */
  async #unclaimed(): Promise<readonly string[]> {
    const { cluster, reports } = this.coordination;
    const [statuses, assignments, locks] = await Promise.all([
      reports.readStatuses(),
      cluster.assignments(),
      cluster.locks(),
    ]);
    const about = <T extends { readonly uid: string }>(all: readonly T[], { uid }: Flow) =>
      JSON.stringify(all.filter((each) => each.uid === uid));
    return this.flows
      .filter(({ uid }) => !statuses.has(uid))
      .map((flow) => `${flow.uid}: assigned ${about(assignments, flow)}, locks ${about(locks, flow)}`);
  }

  /** Removes all faults and stops the writers; then each row of each flow is compared, and each commit verified. */
  async settle(): Promise<FleetProof> {
    for (const agent of this.agents) {
      agent.heal();
      agent.signal('SIGCONT');
      await agent.launch();
    }
    await this.#writers.stop();
    const rows = new Map<string, number>();
    for (const flow of this.flows) {
      const read = await until(
        async () => {
          const both = await readBoth(flow, this.#databases);
          return both.found.length >= both.wanted.length && both.found.join() === both.wanted.join() && both;
        },
        { what: `${flow.name} to be equal on both sides`, timeoutMs: 60_000, everyMs: 500 },
      ).catch(async (error: unknown) => {
        throw new Error(`${(error as Error).message}: ${await this.#difference(flow)}`, { cause: error });
      });
      rows.set(flow.uid, read.found.length);
    }
    return await this.#proveCommits(rows);
  }

  async stop(): Promise<void> {
    await this.#writers.stop().catch(() => {});
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await this.coordination.close();
    await this.etcd.stop();
    await Promise.all([this.#postgres.stop(), this.#mysql.stop()]);
  }

  async ledgers(): Promise<readonly (readonly LedgerEntry[])[]> {
    return [
      await readLedger(this.#databases.warehouse.url),
      ...(this.flows.some(({ destination }) => destination === 'lake')
        ? [await readMysqlLedger(this.#databases.lake)]
        : []),
    ];
  }

  async #proveCommits(rows: ReadonlyMap<string, number>): Promise<FleetProof> {
    const proofs = (await this.ledgers()).map((entries) => proveLedger(entries, byNumber));
    for (const { uid, kind, name } of this.flows) {
      if (kind !== 'events') continue;
      const counted = proofs.map((proof) => proof.rows.get(uid)).find((each) => each !== undefined);
      assert.equal(counted, rows.get(uid), `rows that ${name} has counted, compared with those in the table`);
    }
    const sum = (of: (proof: LedgerProof) => number) => proofs.reduce((all, proof) => all + of(proof), 0);
    return {
      rows: [...rows.values()].reduce((all, each) => all + each, 0),
      claims: sum(({ claims }) => claims),
      commits: sum(({ commits }) => commits),
      refused: countRefused(this.#postgres.process?.lines ?? []),
    };
  }

  async #difference(flow: Flow): Promise<string> {
    const { wanted, found } = await readBoth(flow, this.#databases);
    const [here, there] = [new Set(wanted), new Set(found)];
    const missing = wanted.filter((row) => !there.has(row));
    const extra = found.filter((row) => !here.has(row));
    const status = await this.coordination.reports.readStatus(flow.uid);
    return `${missing.length} missing (${missing[0]}), ${extra.length} extra (${extra[0]}), ${JSON.stringify(status)}`;
  }
}

export interface FleetProof {
  /** Number of rows compared, over all flows. */
  readonly rows: number;
  readonly claims: number;
  readonly commits: number;
  /** Sessions of older owners that PostgreSQL was told to end, and writes of older owners that it has refused. */
  readonly refused: number;
}

function countRefused(lines: readonly string[]): number {
  return lines.filter((line) => /terminating connection due to administrator command|_idra_fenced/.test(line))
    .length;
}

async function makeDatabases(pg: PostgresServer, my: MysqlServer): Promise<Databases> {
  const [source, warehouse, lake] = await Promise.all([
    pg.createDatabase(),
    pg.createDatabase(),
    my.createDatabase(),
  ]);
  await pg.query(`GRANT pg_read_all_stats TO "${source.user}"`);
  // Allows the ledger's triggers where a binary log is written.
  await my.query('SET GLOBAL log_bin_trust_function_creators = 1');
  return { source, warehouse, lake };
}

async function writeSecrets(databases: Databases): Promise<string> {
  const folder = await tempFolder('secrets');
  for (const name of ['source', 'warehouse', 'lake'] as const) {
    const file = passwordFile(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, databases[name].password, { mode: 0o600 });
  }
  return folder;
}

function byNumber(one: string, other: string): number {
  const [a, b] = [BigInt(one), BigInt(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}
