import type { Batch, RawRequest } from '../../core/batch.ts';
import type { PlainDestination, PlainWriteResult, WritePlan } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import { lineFormat } from './source.ts';
import type { Topic } from './topic.ts';

/** Appends each row as a line of JSON. */
export class JournalDestination implements PlainDestination {
  readonly #topic: Topic;
  #columns: readonly string[] = [];

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  get name(): string {
    return this.#topic.name;
  }

  async describe(): Promise<Relation | null> {
    const identity = await this.#topic.identity();
    if (identity === undefined) return null;
    return { name: this.name, columns: [], keys: [], hasOpenColumns: true, identity };
  }

  async check(): Promise<readonly []> {
    return [];
  }

  async hasRows(): Promise<boolean> {
    return (await this.#topic.lines()).length > 0;
  }

  statements(): readonly string[] {
    return [];
  }

  rawRequests({ columns }: WritePlan): readonly RawRequest[] {
    const isWhole = columns.columns.map(({ name }) => name).join() === 'position,line';
    return isWhole ? [{ format: lineFormat, as: ['position', 'line'] }] : [];
  }

  async prepare({ plan }: { readonly plan: WritePlan }): Promise<void> {
    this.#columns = plan.columns.columns.map(({ name }) => name);
    await this.#topic.prepare();
  }

  async beginPass(): Promise<void> {}

  async write({ rows, rowCount }: Batch): Promise<PlainWriteResult> {
    const bytes =
      'rows' in rows
        ? Buffer.from(Array.from(rows.rows, (row) => `${this.#lineOf(row)}\n`).join(''))
        : Buffer.concat(rows.chunks);
    await this.#topic.append(bytes);
    return { written: rowCount, rejected: 0, rejections: [], deleted: 0 };
  }

  async endPass(): Promise<PlainWriteResult> {
    return { written: 0, rejected: 0, rejections: [], deleted: 0 };
  }

  async rest(): Promise<void> {}

  async close(): Promise<void> {}

  #lineOf(row: readonly unknown[]): string {
    const cells = row.map((value, index) => [
      this.#columns[index] ?? '',
      typeof value === 'bigint' ? String(value) : value,
    ]);
    return JSON.stringify(Object.fromEntries(cells));
  }
}
