import type { Kind } from '../../pairs/type-case.ts';
import { type FuzzDatabase, manifestObject, tableIn } from '../databases.ts';
import {
  type DocumentValue,
  kindOfValue,
  type ReadDocument,
  readDocuments,
  valueAt,
} from '../document-reader.ts';
import type { SyncView } from '../engine/engine.ts';
import type { EngineSync } from '../engine/messages.ts';
import { type CompareInput, type Comparison, compare } from '../judge/compare.ts';
import { History, type PastValue } from '../judge/history.ts';
import { promisesOf } from '../judge/promises.ts';
import { witness } from '../scenario/columns.ts';
import type { ColumnDesign, End, Flow, Scenario } from '../scenario/scenario.ts';
import type { Session } from '../sessions.ts';
import { fuzzSystems, sqlSystems } from '../systems/index.ts';
import { type FuzzSystemName, hasDocuments } from '../systems/system.ts';
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
  readonly #late = new Set<number>();
  readonly #fields = new Set<string>();

  constructor(input: FlowRunInput) {
    this.#input = input;
    this.flow = input.scenario.flows[input.at] as Flow;
  }

  get name(): string {
    return `${this.#input.prefix}-${this.#input.at}`;
  }

  /** The server that stands in for SQL Server takes seconds to warm up each session. */
  get isSlow(): boolean {
    const { from, to } = this.#input.scenario;
    return from === 'sqlserver' || to === 'sqlserver';
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
            : manifestObject(this.#input.source, table)),
          ...source,
        },
        destination: {
          dataSource: `${this.name}-destination`,
          ...manifestObject(this.#input.destination, this.table('destination')),
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

  /** Columns that a statement may name; undefined: any. */
  async sourceColumns(): Promise<readonly string[] | undefined> {
    const { source, sourceReader } = this.#input;
    if (hasDocuments(source.system)) return undefined;
    const columns = await columnsOf(sourceReader, source, this.table('source'));
    return (columns ?? []).map(({ name }) => name);
  }

  /**
   * Reads the source after a commit. A table that is temporarily missing is skipped. `writtenSinceMs`: when the first of the statements was
   * sent that are now visible.
   */
  async readSource(writtenSinceMs?: number): Promise<void> {
    if (writtenSinceMs !== undefined && this.#isTooLate(writtenSinceMs))
      this.#late.add(this.history.observations + 1);
    const { source, sourceReader, scenario } = this.#input;
    if (hasDocuments(source.system)) return await this.#readDocuments();
    const { reads } = this.flow;
    const table = `${this.table('source')}${reads.kind === 'view' ? '_v' : ''}`;
    const columns = await columnsOf(sourceReader, source, table).catch(() => undefined);
    if (!columns) return;
    const from = reads.kind === 'query' ? `(${this.resolve(reads.sql)})` : tableIn(source, table);
    const rows = await readRaw(sourceReader, source, from, columns, quoteOf(scenario.from));
    this.history.record(
      rows.map((row) => ({ row: row.get(witness) ?? 'NULL', values: this.#pastValues(columns, row) })),
    );
  }

  async #readDocuments(): Promise<void> {
    const documents = await readDocuments(this.#input.sourceReader, this.table('source'));
    if (!documents) return;
    this.history.record(
      documents.map((each) => {
        const values = this.#documentValues(each);
        for (const name of values.keys()) this.#fields.add(name);
        return { row: each.get(witness)?.plain ?? 'NULL', values };
      }),
    );
  }

  /** The fields of a document, or the columns that the Sync takes from it. */
  #documentValues(document: ReadDocument): ReadonlyMap<string, PastValue> {
    const { columns } = this.flow.source;
    const values = columns
      ? columns.map(({ name, path = name }) => [name, valueAt(document, path)] as const)
      : [...document];
    return new Map(values.map(([name, value]) => [name, pastDocumentValue(value)]));
  }

  /** Only safetyLag covers rows that become visible late where open transactions are not shown. A part of it is left for a slow machine. */
  #isTooLate(sinceMs: number): boolean {
    if (fuzzSystems[this.#input.scenario.from].showsOpenTransactions) return false;
    const text = this.flow.spec.safetyLag ?? '5s';
    const lagMs = Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1_000);
    return Date.now() - sinceMs > lagMs / 3;
  }

  /** Whether documents travel as they are. */
  get #isWhole(): boolean {
    const { from, to } = this.#input.scenario;
    const { source, spec } = this.flow;
    return hasDocuments(from) && hasDocuments(to) && !source.columns && spec.deletes !== 'Soft';
  }

  async #arrived(): Promise<{ readonly rows: readonly RawRow[]; readonly kinds: ReadonlyMap<string, Kind> }> {
    const { destination, destinationReader, scenario } = this.#input;
    const table = this.table('destination');
    if (hasDocuments(destination.system)) {
      const documents = (await readDocuments(destinationReader, table)) ?? [];
      const form = this.#isWhole ? 'exact' : 'plain';
      const rows = documents.map(
        (each) => new Map([...each].map(([name, value]) => [name, value?.[form] ?? null])),
      );
      return { rows, kinds: new Map() };
    }
    const { system } = destination;
    const columns = await columnsOf(destinationReader, destination, table);
    if (!columns) return { rows: [], kinds: new Map() };
    const from = tableIn(destination, table);
    return {
      rows: await readRaw(destinationReader, destination, from, columns, quoteOf(scenario.to)),
      kinds: new Map(columns.map(({ name, type }) => [name, kindOfType(system, type)])),
    };
  }

  async compare(): Promise<Comparison> {
    const { scenario } = this.#input;
    const { spec, source } = this.flow;
    const { rows, kinds } = await this.#arrived();
    const input: CompareInput = {
      history: this.history,
      arrived: rows,
      promises: promisesOf(spec, source, this.restarts),
      rules: {
        from: scenario.from,
        to: scenario.to,
        ignoresMissing: spec.schemaChanges === 'Ignore',
        damaged: this.#damaged,
        isWhole: this.#isWhole,
        kinds,
        fields: this.#fields,
      },
      late: this.#late,
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
    if (hasDocuments(from)) throw new Error('documents have no columns');
    const design: ColumnDesign | undefined = this.flow.columns.find((each) => each.name === name);
    const typeCase =
      design?.type === undefined
        ? undefined
        : sqlSystems[from].types.find((each) => each.name === design.type);
    const kind = typeCase?.kind ?? kindOfType(from, type);
    return { kind, text: canonicalText(kind, text), ...(typeCase ? { type: typeCase.name } : {}) };
  }
}

function pastDocumentValue(value: DocumentValue | null): PastValue {
  if (value === null) return { kind: 'other', text: null };
  const kind = kindOfValue(value);
  return { kind, text: canonicalText(kind, value.plain), document: value };
}

function quoteOf(system: FuzzSystemName): (identifier: string) => string {
  if (hasDocuments(system)) throw new Error('documents have no identifiers');
  return sqlSystems[system].quote;
}
