import { typesOf } from '../../pairs/everything.ts';
import type { SyncView } from '../engine/engine.ts';
import type { EngineSync } from '../engine/messages.ts';
import { type FuzzDatabase, manifestName, tableIn } from '../environment.ts';
import { type CompareInput, type Comparison, compare } from '../judge/compare.ts';
import { History, type PastValue } from '../judge/history.ts';
import { promisesOf } from '../judge/promises.ts';
import { witness } from '../scenario/columns.ts';
import type { ColumnDesign, End, Flow, Scenario } from '../scenario/scenario.ts';
import type { Session } from '../sessions.ts';
import { fuzzSystems } from '../systems/index.ts';
import {
  canonicalText,
  columnsOf,
  kindOfType,
  type RawRow,
  readRaw,
  type TableColumn,
} from '../table-reader.ts';

export interface FlowRunInput {
  readonly scenario: Scenario;
  readonly at: number;
  /** Prefix of the tables of this run; unique. */
  readonly prefix: string;
  readonly source: FuzzDatabase;
  readonly destination: FuzzDatabase;
  readonly sourceReader: Session;
  readonly destinationReader: Session;
}

/** One flow while it runs: its tables, the states of its source, and the operations on it. */
export class FlowRun {
  readonly flow: Flow;
  readonly history = new History();
  readonly #input: FlowRunInput;
  readonly #damaged = new Map<string, number>();
  readonly #changes = new Set<number>();
  #areRowsDamaged = false;
  #largestRestartedId: bigint | undefined;
  restarts = 0;
  view: SyncView | undefined;

  constructor(input: FlowRunInput) {
    this.#input = input;
    this.flow = input.scenario.flows[input.at] as Flow;
  }

  get name(): string {
    return `${this.#input.prefix}-${this.#input.at}`;
  }

  table(end: End): string {
    return `${this.#input.prefix}_${end === 'source' ? 't' : 'd'}${this.#input.at}`;
  }

  /** The Sync, with the addresses of its systems. */
  sync(reach: Pick<EngineSync, 'source' | 'destination' | 'passwords'>): EngineSync {
    const { spec, source, reads } = this.flow;
    const { destinationKey, existingRows, createTable, ...rest } = spec;
    const table = `${this.table('source')}${reads.kind === 'view' ? '_v' : ''}`;
    return {
      name: this.name,
      ...reach,
      spec: {
        source: {
          dataSource: `${this.name}-source`,
          ...(reads.kind === 'query'
            ? { query: this.resolve(reads.sql) }
            : { table: manifestName(this.#input.source, table) }),
          ...source,
        },
        destination: {
          dataSource: `${this.name}-destination`,
          table: manifestName(this.#input.destination, this.table('destination')),
          ...(destinationKey ? { key: destinationKey } : {}),
          ...(existingRows ? { existingRows } : {}),
        },
        ...rest,
        ...(createTable ? { createTable } : {}),
      },
    };
  }

  /** `{t0}` is the source's table, `{d0}` the destination's, `{t0_v}` the view of it, `{!t0}` the name without a schema. */
  resolve(sql: string): string {
    return sql.replace(
      /\{(!?)([td])(\d+)(\w*)\}/g,
      (_, isBare: string, end: string, at: string, suffix: string) => {
        const name = `${this.#input.prefix}_${end}${at}${suffix}`;
        const isIndex = suffix === '_s' || suffix === '_x';
        return isBare || isIndex
          ? name
          : tableIn(end === 't' ? this.#input.source : this.#input.destination, name);
      },
    );
  }

  async sourceColumns(): Promise<readonly TableColumn[] | undefined> {
    return await columnsOf(this.#input.sourceReader, this.#input.source, this.table('source'));
  }

  /** Reads the source after a commit. A table that is temporarily missing is skipped. */
  async readSource(): Promise<void> {
    const { source, sourceReader, scenario } = this.#input;
    const { reads } = this.flow;
    const table = `${this.table('source')}${reads.kind === 'view' ? '_v' : ''}`;
    const columns = await columnsOf(sourceReader, source, table).catch(() => undefined);
    if (!columns) return;
    const from = reads.kind === 'query' ? `(${this.resolve(reads.sql)})` : tableIn(source, table);
    const rows = await readRaw(sourceReader, source, from, columns, fuzzSystems[scenario.from].quote);
    this.history.record(
      rows.map((row) => ({ row: row.get(witness) ?? 'NULL', values: this.#pastValues(columns, row) })),
    );
  }

  async arrived(): Promise<readonly RawRow[]> {
    const { destination, destinationReader, scenario } = this.#input;
    const columns = await columnsOf(destinationReader, destination, this.table('destination'));
    if (!columns) return [];
    const from = tableIn(destination, this.table('destination'));
    return await readRaw(destinationReader, destination, from, columns, fuzzSystems[scenario.to].quote);
  }

  async compare(): Promise<Comparison> {
    const { scenario } = this.#input;
    const { spec, source } = this.flow;
    const input: CompareInput = {
      history: this.history,
      arrived: await this.arrived(),
      promises: promisesOf(spec, source),
      rules: {
        from: scenario.from,
        to: scenario.to,
        ignoresMissing: spec.schemaChanges === 'Ignore',
        damaged: this.#damaged,
      },
      changes: this.#changes,
      largestRestartedId: this.#largestRestartedId,
      restarts: this.restarts,
    };
    const { problems, nullRows } = compare(input);
    const isLossAllowed = this.#areRowsDamaged && spec.mode !== 'Snapshot';
    return {
      nullRows,
      problems: isLossAllowed ? problems.filter(({ kind }) => kind !== 'missing') : problems,
    };
  }

  /** The next observation sees a changed source table. */
  changed(): void {
    this.#changes.add(this.history.observations + 1);
  }

  /** The destination was changed manually. Rows lost there were not lost by the Sync; a new table does not count as such a change. */
  damaged(columns: readonly string[], what: string): void {
    for (const column of columns) this.#damaged.set(column, this.history.observations);
    if (what === 'truncate') this.#areRowsDamaged = true;
  }

  /** All rows are gone, and ids are issued again from the first. */
  idsRestarted(): void {
    const field = this.flow.source.idField;
    if (field === undefined) return;
    const ids = [...this.history.current.values()]
      .flat()
      .map((version) => version.values.get(field)?.text ?? '');
    const largest = ids
      .filter((id) => /^\d+$/.test(id))
      .reduce((max, id) => (BigInt(id) > max ? BigInt(id) : max), 0n);
    if (this.#largestRestartedId === undefined || largest > this.#largestRestartedId)
      this.#largestRestartedId = largest;
  }

  #pastValues(columns: readonly TableColumn[], row: RawRow): ReadonlyMap<string, PastValue> {
    return new Map(
      columns.map(({ name, type }) => [name, this.#pastValue(name, type, row.get(name) ?? null)]),
    );
  }

  #pastValue(name: string, type: string, text: string | null): PastValue {
    const { from } = this.#input.scenario;
    const design: ColumnDesign | undefined = this.flow.columns.find((each) => each.name === name);
    const typeCase =
      design?.type === undefined ? undefined : typesOf(from).find((each) => each.name === design.type);
    const kind = typeCase?.kind ?? kindOfType(from, type);
    return { kind, text: canonicalText(kind, text), ...(typeCase ? { type: typeCase.name } : {}) };
  }
}
