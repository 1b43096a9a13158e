import { setTimeout as pause } from 'node:timers/promises';
import type { FuzzDatabase, Through } from '../databases.ts';
import type { Engine } from '../engine/engine.ts';
import type { Block } from '../environment.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Action, RowDesign, Scenario } from '../scenario/scenario.ts';
import { openSession, type Session } from '../sessions.ts';
import { fuzzSystems } from '../systems/index.ts';
import type { Statements } from '../systems/system.ts';
import { FlowRun } from './flow-run.ts';
import { settle } from './settle.ts';
import { type StatementCount, Writers } from './writers.ts';

export interface ScenarioResult {
  readonly verdicts: readonly Verdict[];
  /** By kind. */
  readonly statements: ReadonlyMap<string, StatementCount>;
  /** Rows that the Syncs have written. */
  readonly written: number;
  readonly refused: readonly string[];
}

let runs = 0;

/** Runs a scenario's steps against real servers and a running engine. */
export async function runScenario(scenario: Scenario, block: Block, engine: Engine): Promise<ScenarioResult> {
  const source = await block.database(scenario.from, 'source');
  const destination = await block.database(scenario.to, 'destination');
  const run = await ScenarioRun.open(scenario, engine, source, destination);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #engine: Engine;
  readonly #source: FuzzDatabase;
  readonly #destination: FuzzDatabase;
  readonly #readers: readonly [Session, Session];
  readonly #flows: readonly FlowRun[];
  readonly #writers: Writers;
  readonly #changers: Writers;
  readonly #paths: (Through | undefined)[] = [];

  private constructor(
    scenario: Scenario,
    engine: Engine,
    ends: readonly [FuzzDatabase, FuzzDatabase],
    readers: readonly [Session, Session],
  ) {
    this.#scenario = scenario;
    this.#engine = engine;
    [this.#source, this.#destination] = ends;
    this.#readers = readers;
    const prefix = `f${process.pid % 1000}x${++runs}`;
    this.#writers = new Writers(this.#source, prefix);
    this.#changers = new Writers(this.#destination, prefix);
    this.#flows = scenario.flows.map(
      (_, at) =>
        new FlowRun({
          scenario,
          at,
          prefix,
          source: this.#source,
          destination: this.#destination,
          sourceReader: readers[0],
          destinationReader: readers[1],
        }),
    );
  }

  static async open(
    scenario: Scenario,
    engine: Engine,
    source: FuzzDatabase,
    destination: FuzzDatabase,
  ): Promise<ScenarioRun> {
    const readers = await Promise.all([openSession(source, 'reader'), openSession(destination, 'reader')]);
    return new ScenarioRun(scenario, engine, [source, destination], readers);
  }

  async run(): Promise<ScenarioResult> {
    await this.#prepare();
    let verdicts: readonly Verdict[] = [];
    for (const step of this.#scenario.steps) {
      if (step.do !== 'settle') {
        await this.#carryOut(step);
        continue;
      }
      verdicts = await this.#settle();
      // Nothing after a failure, or after a Sync has stopped, is informative.
      if (verdicts.some(({ kind }) => kind === 'silent') || verdicts.every(isStopped)) break;
    }
    return {
      verdicts,
      statements: new Map([
        ...this.#writers.counts,
        ...[...this.#changers.counts].map(([kind, count]) => [`${kind} (destination)`, count] as const),
      ]),
      written: this.#flows.reduce((sum, { view }) => sum + (view?.status?.rows.written ?? 0), 0),
      refused: [...this.#writers.refused, ...this.#changers.refused],
    };
  }

  async close(): Promise<void> {
    for (const flow of this.#flows) await this.#engine.remove(flow.name);
    await this.#writers.commitAll().catch(() => {});
    await Promise.all([
      this.#writers.close(),
      this.#changers.close(),
      ...this.#readers.map((each) => each.close()),
    ]);
    for (const path of this.#paths) await path?.stop();
  }

  async #prepare(): Promise<void> {
    const { path } = this.#scenario;
    this.#paths.push(
      await this.#source.openPath(path.source),
      await this.#destination.openPath(path.destination),
    );
    for (const [at, flow] of this.#flows.entries()) {
      for (const sql of flow.flow.create) await this.#writers.run(0, flow.resolve(sql), { kind: 'create' });
      for (const sql of flow.flow.createDestination)
        await this.#changers.run(0, flow.resolve(sql), { kind: 'create' });
      await this.#insert({ flow: at, session: 0, into: `{t${at}}`, rows: flow.flow.rows }, 'first rows');
      await flow.readSource();
      const [source, destination] = [`${flow.name}-source`, `${flow.name}-destination`];
      flow.view = this.#engine.add(
        flow.sync({
          source: this.#source.dataSource(source, this.#paths[0]),
          destination: this.#destination.dataSource(destination, this.#paths[1]),
          passwords: { [source]: this.#source.password, [destination]: this.#destination.password },
        }),
      );
    }
  }

  async #settle(): Promise<readonly Verdict[]> {
    const sinceMs = this.#writers.oldestOpenMs();
    await this.#writers.commitAll();
    await this.#changers.commitAll();
    await this.#observeAll(sinceMs);
    return await Promise.all(this.#flows.map((flow) => settle(flow, this.#engine)));
  }

  async #carryOut(step: Action): Promise<void> {
    const startMs = Date.now();
    switch (step.do) {
      case 'insert':
        await this.#insert(step, step.do);
        return await this.#readSource(step.session, step.flow, startMs);
      case 'update':
        await this.#update(step);
        return await this.#readSource(step.session, step.flow, startMs);
      case 'delete':
      case 'statement': {
        const sql =
          step.do === 'statement' ? step.sql : this.#statements.delete(`{t${step.flow}}`, step.rows);
        const kind = step.do === 'statement' ? (step.what ?? 'statement') : step.do;
        await this.#writers.run(step.session, this.#resolve(step.flow, sql), { kind, flow: step.flow });
        return await this.#readSource(step.session, step.flow, startMs);
      }
      case 'begin':
        return await this.#writers.begin(step.session);
      case 'commit':
      case 'rollback':
      case 'prepare': {
        const sinceMs = this.#writers.openSinceMs(step.session);
        await this.#writers[step.do](step.session);
        return await this.#observeAll(sinceMs);
      }
      case 'commit-prepared':
      case 'rollback-prepared':
        await this.#writers.finishPrepared(step.do === 'commit-prepared' ? 'COMMIT' : 'ROLLBACK');
        return await this.#observeAll();
      case 'ddl':
        return await this.#ddl(step);
      case 'await-pass':
        return await this.#awaitPass();
      case 'kill-engine':
      case 'restart-engine':
        return await this.#engine.restart(step.do === 'kill-engine' ? 'SIGKILL' : 'SIGTERM');
      case 'cut-connections':
        for (const path of this.#paths) path?.cut?.();
        return;
      case 'request':
        return await this.#request(step);
    }
  }

  async #insert(
    { flow, session, into, rows }: Omit<Extract<Action, { do: 'insert' }>, 'do'>,
    kind: string,
  ): Promise<void> {
    if (rows.length === 0) return;
    const of = { kind, flow };
    const all = await this.#insertStatement(flow, into, rows);
    if (all === undefined || (await this.#writers.run(session, all, of)) || rows.length === 1) return;
    for (const row of rows) {
      const one = await this.#insertStatement(flow, into, [row]);
      if (one !== undefined) await this.#writers.run(session, one, of);
    }
  }

  async #insertStatement(
    flow: number,
    into: string,
    rows: readonly RowDesign[],
  ): Promise<string | undefined> {
    const names = await this.#knownColumns(flow, Object.keys(rows[0] ?? {}));
    if (names.length === 0) return undefined;
    return this.#resolve(flow, this.#statements.insert(into, names, rows));
  }

  async #update({ flow, session, set, rows }: Extract<Action, { do: 'update' }>): Promise<void> {
    const names = await this.#knownColumns(flow, Object.keys(set));
    if (names.length === 0) return;
    const known = Object.fromEntries(names.map((name) => [name, set[name] ?? 'NULL']));
    const sql = this.#statements.update(`{t${flow}}`, known, rows);
    await this.#writers.run(session, this.#resolve(flow, sql), { kind: 'update', flow });
  }

  async #knownColumns(flow: number, names: readonly string[]): Promise<readonly string[]> {
    const columns = await this.#flow(flow).sourceColumns();
    return columns === undefined ? names : names.filter((name) => columns.includes(name));
  }

  async #ddl({ flow, at, what, touches, sql }: Extract<Action, { do: 'ddl' }>): Promise<void> {
    const run = this.#flow(flow);
    const writers = at === 'source' ? this.#writers : this.#changers;
    if (at === 'source') {
      const sinceMs = this.#writers.oldestOpenMs();
      await this.#writers.commitFlow(flow);
      await this.#observeAll(sinceMs);
      if (what === 'truncate' || what === 'reseed from 0') run.idsRestarted();
    }
    for (const each of sql) if (!(await writers.runPatiently(9, run.resolve(each), { kind: what }))) break;
    if (at === 'destination') return run.damaged(touches, what);
    run.changed();
    await this.#observeAll();
  }

  async #awaitPass(): Promise<void> {
    const fromMs = Date.now();
    const isDone = ({ view }: FlowRun) =>
      !view ||
      view.end !== undefined ||
      view.status?.state === 'Failed' ||
      view.status?.state === 'Completed' ||
      view.passes.some((startMs) => startMs > fromMs);
    while (!this.#flows.every(isDone) && Date.now() - fromMs < 4_000) await pause(20);
  }

  async #request({ flow, type }: Extract<Action, { do: 'request' }>): Promise<void> {
    const run = this.#flow(flow);
    if (type === 'restart') run.restarts += 1;
    this.#engine.request(run.name, type);
    await pause(0);
  }

  /** Nothing is committed yet if the session's transaction is open. */
  async #readSource(session: number, flow: number, startMs: number): Promise<void> {
    if (!this.#writers.isOpen(session)) await this.#flow(flow).readSource(startMs);
  }

  async #observeAll(writtenSinceMs?: number): Promise<void> {
    for (const flow of this.#flows) await flow.readSource(writtenSinceMs);
  }

  get #statements(): Statements {
    return fuzzSystems[this.#scenario.from].statements;
  }

  #resolve(flow: number, sql: string): string {
    return this.#flow(flow).resolve(sql);
  }

  #flow(at: number): FlowRun {
    return this.#flows[at] as FlowRun;
  }
}

function isStopped({ kind, category }: Verdict): boolean {
  return kind === 'reported' && !['rejected rows', 'NULL rows'].includes(category);
}
