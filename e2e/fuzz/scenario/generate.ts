import { systemNames } from '../../kit/systems.ts';
import { Random } from '../prng.ts';
import { fuzzSystems } from '../systems/index.ts';
import { type FuzzSystemName, hasDocuments } from '../systems/system.ts';
import { idOf, literalOf, type TableDesign } from './columns.ts';
import { designDdl } from './ddl.ts';
import type { DesignedFlow } from './designed.ts';
import { changeDocuments } from './document-steps.ts';
import { designDocument } from './documents.ts';
import { designFlow, rowOf } from './flow.ts';
import type { Path, RowDesign, Scenario, Step } from './scenario.ts';

/**
 * The scenario of a seed. Consecutive seeds are all pairs of the systems: sixteen of four. `required`: one of these is in each pair; empty:
 * any.
 */
export function generate(
  seed: number,
  systems: readonly FuzzSystemName[] = systemNames,
  required: readonly FuzzSystemName[] = [],
): Scenario {
  const random = new Random(seed);
  const pairs = systems
    .flatMap((to) => systems.map((from) => [from, to] as const))
    .filter((pair) => required.length === 0 || pair.some((each) => required.includes(each)));
  const [from, to] = pairs[seed % pairs.length] ?? ['postgres', 'postgres'];
  const count = random.chance(0.2) ? 2 : 1;
  const flows = Array.from({ length: count }, (_, at) => designFlow(random, from, to, at));
  const isAlone = random.chance(0.08);
  const steps = designSteps(new StepDesigner(random, from, to, flows, isAlone));
  return {
    seed,
    from,
    to,
    isAlone,
    path: { source: choosePath(random, from), destination: choosePath(random, to) },
    flows: flows.map((each) => each.flow),
    steps,
  };
}

function choosePath(random: Random, system: FuzzSystemName): Path {
  const path = random.weighted<Path>([
    [10, 'direct'],
    [1, 'proxy'],
    [0.3, 'pooler'],
  ]);
  if (path === 'pooler' && system !== 'postgres') return 'proxy';
  return system === 'sqlite' ? 'direct' : path;
}

function designSteps(designer: StepDesigner): readonly Step[] {
  const { random } = designer;
  const isStill = designer.flows.some(({ flow }) => flow.spec.schedule.once === true);
  const steps: Step[] = random.chance(0.8) ? [{ do: 'await-pass' }] : [];
  const count = isStill ? 0 : random.pick([3, 8, 15, 25]);
  for (let at = 0; at < count; at++) steps.push(designer.step());
  return [...steps, { do: 'settle' }];
}

class StepDesigner {
  readonly random: Random;
  readonly flows: readonly DesignedFlow[];
  readonly #from: FuzzSystemName;
  readonly #to: FuzzSystemName;
  readonly #isAlone: boolean;
  readonly #open = new Set<number>();

  constructor(
    random: Random,
    from: FuzzSystemName,
    to: FuzzSystemName,
    flows: readonly DesignedFlow[],
    isAlone: boolean,
  ) {
    this.random = random;
    this.#from = from;
    this.#to = to;
    this.flows = flows;
    this.#isAlone = isAlone;
  }

  step(): Step {
    const { random } = this;
    const flow = random.below(this.flows.length);
    const session = random.below(3);
    const make = random.weighted<() => Step>([
      [10, () => this.#insert(flow, session)],
      [6, () => this.#update(flow, session)],
      [3, () => ({ do: 'delete', flow, session, rows: this.#rows(flow, 2) })],
      [5, () => this.#transaction(session)],
      [
        this.#ddlWeight,
        () => designDdl(random, this.#designed(flow), flow, { from: this.#from, to: this.#to }),
      ],
      [5, () => ({ do: 'await-pass' })],
      [1, () => ({ do: 'settle' })],
      [0.4, () => ({ do: 'request', flow, type: random.pick(['run-now', 'restart', 'keep-offset']) })],
      [0.4, () => ({ do: 'cut-connections' })],
      [this.#isAlone ? 3 : 0, () => ({ do: random.chance(0.7) ? 'kill-engine' : 'restart-engine' })],
    ]);
    return make();
  }

  /** The fixed seeds of the other systems stay what they are. */
  get #ddlWeight(): number {
    return [this.#from, this.#to].some((each) => each === 'sqlserver' || hasDocuments(each)) ? 6 : 2.5;
  }

  #designed(flow: number): DesignedFlow {
    return this.flows[flow] as DesignedFlow;
  }

  #insert(flow: number, session: number): Step {
    const designed = this.#designed(flow);
    const { table, documents, shape, counters } = designed;
    const { random } = this;
    const count = random.weighted([
      [4, 1],
      [2, 4],
      [1, 12],
    ]);
    // A key that was used before: by a deleted row, by a row of a child table, or by a row that the server refused.
    const isReadBy = table && designed.flow.source.idField === table.keyColumns.at(-1)?.name;
    if (!isReadBy && random.chance(0.1)) counters.key = Math.max(1, counters.key - 3);
    const rows = Array.from({ length: count }, () =>
      documents
        ? designDocument(random, documents, counters)
        : rowOf(random, { ...designed, table: table as TableDesign }, this.#to),
    );
    const into = shape?.insertInto?.(`{t${flow}}`, random) ?? `{t${flow}}`;
    return { do: 'insert', flow, session, into, rows };
  }

  #update(flow: number, session: number): Step {
    const { table, documents, counters } = this.#designed(flow);
    if (documents) {
      const change = changeDocuments(this.random, `{t${flow}}`, documents, counters, this.#rows(flow, 3));
      return { do: 'statement', flow, session, ...change };
    }
    return this.#updateRows(flow, session, table as TableDesign, counters);
  }

  #updateRows(flow: number, session: number, table: TableDesign, counters: DesignedFlow['counters']): Step {
    const { random } = this;
    const set: Record<string, string> = { a: String(random.between(0, 1000)) };
    if (random.chance(0.4)) set.b = `'u${random.below(100)}'`;
    for (const { name, type } of random.some(table.values, 1))
      set[name] = literalOf(random, type, this.#to, table.hasMisfits);
    // Timestamp does not detect an update that leaves the time unchanged.
    if (random.chance(0.9)) set.u = table.time.now;
    const last = table.keyColumns.at(-1);
    const changesKey = random.chance(0.15);
    if (changesKey && last) set[last.name] = last.type.value(counters.key++);
    if (random.chance(0.1)) set.s = idOf(table.sequence, counters.sequence++);
    return {
      do: 'update',
      flow,
      session,
      set: set as RowDesign,
      rows: this.#rows(flow, changesKey || set.s ? 1 : 3),
    };
  }

  #rows(flow: number, count: number): readonly number[] {
    const known = this.#designed(flow).counters.row - 1;
    return Array.from({ length: count }, () => 1 + this.random.below(Math.max(1, known)));
  }

  #transaction(session: number): Step {
    if (this.#from === 'mongodb-memory') return { do: 'await-pass' };
    if (!this.#open.has(session)) {
      this.#open.add(session);
      return { do: 'begin', session };
    }
    const { hasPrepared } = fuzzSystems[this.#from];
    if (hasPrepared && this.random.chance(0.1))
      return { do: this.random.chance(0.7) ? 'commit-prepared' : 'rollback-prepared' };
    this.#open.delete(session);
    if (hasPrepared && this.random.chance(0.2)) return { do: 'prepare', session };
    return { do: this.random.chance(0.7) ? 'commit' : 'rollback', session };
  }
}
