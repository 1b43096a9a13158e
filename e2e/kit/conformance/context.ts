import assert from 'node:assert/strict';
import { type Flow, type FlowOptions, openFlow } from '../../../connectors/sql/test-flow.ts';
import type { Batch } from '../../../core/batch.ts';
import type { CommitRow, Connector, Destination, Source } from '../../../core/connector.ts';
import { installCrashHook } from '../../../core/crash-points.ts';
import { objectFields, type SystemField } from '../../../core/sync-spec.ts';
import { patienceMs } from '../wait.ts';
import type { Abilities, Shape, TestEnd, TestRow, TestSpace, TestSystem } from './harness.ts';
import { withStoredOffsets } from './stored-offsets.ts';

/** A signal that never fires. */
export const signal = new AbortController().signal;

let objects = 0;

/** What one case works with: its own objects, and Syncs between them without an engine. Everything that it opens is closed at its end. */
export class Context {
  readonly system: TestSystem;
  /** Cases that need an offset or a token at the destination require isTransactional. */
  readonly connector: Connector<Destination>;
  readonly source: TestEnd;
  readonly destination: TestEnd;
  readonly #abilities: Partial<Abilities>;
  readonly #format: FlowOptions['rowFormat'];
  readonly #objects: TestSpace['objects'];
  readonly #opened: { close(): Promise<void> }[] = [];

  constructor(system: TestSystem, connector: Connector, space: TestSpace, format: FlowOptions['rowFormat']) {
    this.system = system;
    this.connector = withStoredOffsets(connector);
    this.#objects = space.objects;
    this.source = space.source;
    this.destination = space.destination;
    this.#abilities = space.abilities;
    this.#format = format;
  }

  /** Contains at least what the case declares as needed. */
  get can(): Abilities {
    return this.#abilities as Abilities;
  }

  newName(): string {
    return `c${++objects}${this.system.nameEnd ?? ''}`;
  }

  /** A new object at the source with these rows, or with this many: `row 1`, `row 2`. */
  async fill(rows: number | readonly TestRow[], shape: Shape = {}): Promise<string> {
    const object = this.newName();
    await this.source.create(object, shape);
    await this.source.insert(object, typeof rows === 'number' ? numbered(1, rows) : rows);
    return object;
  }

  /** A new object at the destination. */
  async target(shape: Shape = {}, rows: readonly TestRow[] = []): Promise<string> {
    const object = this.newName();
    await this.destination.create(object, shape);
    if (rows.length > 0) await this.destination.insert(object, rows);
    return object;
  }

  async open(options: Partial<FlowOptions>): Promise<Flow> {
    const ends = {
      fields: this.#fields,
      objects: this.#objects,
      connector: this.connector,
      source: this.source.access,
      destination: this.destination.access,
    };
    const columns = options.from === undefined ? undefined : this.source.columnsOf?.(options.from);
    // Where nothing but time bounds late rows, cases about something else do not wait.
    const isPrompt = this.system.definition.capabilities.source.lateRowBound === 'none';
    const needed = {
      from: '',
      to: options.to ?? this.newName(),
      ...(columns && { columns }),
      ...(isPrompt && { safetyLagMs: 0 }),
    };
    const format = this.#format && { rowFormat: this.#format };
    const { safetyLagMs } = this.system;
    const lag = safetyLagMs !== undefined && { safetyLagMs };
    const flow = await openFlow(ends, { ...needed, ...format, ...lag, ...options });
    this.#opened.push(flow);
    return flow;
  }

  async claim(options: Partial<FlowOptions>, token?: bigint): Promise<Flow> {
    const flow = await this.open(options);
    await flow.claim(token === undefined ? {} : { token });
    return flow;
  }

  async openSource(object: Parameters<Connector['openSource']>[1]): Promise<Source> {
    return this.#keep(await this.connector.openSource(this.source.access, object, signal));
  }

  /** A source object of this name. */
  object(name: string): Parameters<Connector['openSource']>[1] {
    return { ...(this.#objects?.source(name) ?? { [this.#fields.source]: name }), timeZone: 'UTC' };
  }

  async openDestination(name: string, access = this.destination.access): Promise<Destination> {
    const named = this.#objects?.destination(name) ?? { [this.#fields.destination]: name };
    const object = { ...named, existingRows: 'Keep' } as const;
    return this.#keep(await this.connector.openDestination(access, object, signal));
  }

  async commitRow({ destination, plan }: Flow): Promise<CommitRow> {
    const rows = await destination.commitRows(plan.uid, signal);
    return rows.find((each) => each.uid === plan.uid) ?? assert.fail('there is no commit row');
  }

  async equal(from: string, to: string): Promise<void> {
    assert.deepEqual(await this.destination.rows(to), await this.source.rows(from));
  }

  async holds(to: string, ...rows: readonly string[]): Promise<void> {
    assert.deepEqual(await this.destination.rows(to), rows);
  }

  async close(): Promise<void> {
    installCrashHook(undefined);
    await withDeadline(Promise.allSettled(this.#opened.map((each) => each.close())), 'closing');
  }

  /** The fields of a manifest that name the objects of this system. */
  get #fields() {
    const { source, destination } = this.system.definition.fields;
    const naming = (fields: readonly SystemField[]) =>
      objectFields.find((each) => fields.includes(each)) ?? 'table';
    return { source: naming(source), destination: naming(destination) };
  }

  #keep<T extends { close(): Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}

export function numbered(from: number, to: number): TestRow[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    id: from + index,
    body: `row ${from + index}`,
  }));
}

export const texts = (...ids: readonly number[]) => ids.map((id) => `${id} row ${id}`);

/** The first column of rows that are transferred as canonical values. */
export function idsOf(batches: readonly Batch[]): number[] {
  return batches.flatMap(({ rows }) =>
    'rows' in rows ? [...rows.rows].map(([id]) => Number(id)) : assert.fail('values were asked for'),
  );
}

export async function withDeadline<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not end`)), patienceMs);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
