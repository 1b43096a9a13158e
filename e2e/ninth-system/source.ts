import type { Batch, RawRequest, RowFormat, Rows } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, Source } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import type { Topic } from './topic.ts';

/** A format of this system only: between two topics lines are transferred unchanged. */
export const lineFormat = 'journal-lines';

/** Reads lines with their positions, starting at 1. */
export class JournalSource implements Source {
  readonly #topic: Topic;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  async describe(): Promise<Relation> {
    return {
      name: this.#topic.name,
      columns: [
        { name: 'position', type: { kind: 'int', bits: 64 }, nativeType: 'position', isNullable: false },
        { name: 'line', type: { kind: 'text' }, nativeType: 'line', isNullable: false },
      ],
      keys: [{ name: 'position', columns: ['position'], isPrimary: true }],
    };
  }

  async check(): Promise<readonly []> {
    return [];
  }

  canServe({ format }: RawRequest): boolean {
    return format === lineFormat;
  }

  async *read({ after, limits, rowFormat }: ReadRequest): AsyncGenerator<Batch, PassEnd> {
    const lines = await this.#topic.lines();
    for (let from = positionOf(after); from < lines.length; from += limits.maxRows) {
      const some = lines.slice(from, from + limits.maxRows);
      yield {
        rows: toRows(some, from, rowFormat),
        rowCount: some.length,
        byteCount: Buffer.byteLength(some.join('\n')),
        offset: { mode: 'Id', id: String(from + some.length) },
      };
    }
    return { bound: { kind: 'none' }, isHeldBack: false };
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting({ after }: ReadRequest): Promise<number> {
    return (await this.#topic.lines()).length - positionOf(after);
  }

  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {}

  async close(): Promise<void> {}
}

function positionOf(after: ReadRequest['after']): number {
  return after?.mode === 'Id' ? Number(after.id) : 0;
}

function toRows(lines: readonly string[], from: number, { format }: RowFormat): Rows {
  if (format === lineFormat) return { format, chunks: [Buffer.from(`${lines.join('\n')}\n`)] };
  return { format: 'values', rows: lines.map((line, index) => [BigInt(from + index + 1), line]) };
}
