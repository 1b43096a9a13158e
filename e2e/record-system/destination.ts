import type { Batch, RawRequest } from '../../core/batch.ts';
import type { PlainDestination, PlainWriteResult, WritePlan } from '../../core/connector.ts';
import { lastChanges } from '../../core/last-changes.ts';
import { rowWriter } from '../../core/records/canonical-json.ts';
import type { Relation } from '../../core/values.ts';
import type { Change, Collection } from './collection.ts';
import { documentFormat } from './source.ts';

/** Puts each row as a document under its key. */
export class RecordDestination implements PlainDestination {
  readonly #collection: Collection;
  #plan: WritePlan | undefined;

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  get name(): string {
    return this.#collection.name;
  }

  async describe(): Promise<Relation | null> {
    const identity = this.#collection.identity();
    if (identity === undefined) return null;
    const keys = [{ name: '_id', columns: ['_id'], isPrimary: true }];
    return { name: this.name, columns: [], keys, hasOpenColumns: true, identity };
  }

  async check(): Promise<readonly []> {
    return [];
  }

  async hasRows(): Promise<boolean> {
    return this.#collection.identity() !== undefined && this.#collection.documents(null, 1).length > 0;
  }

  statements(): readonly string[] {
    return [];
  }

  rawRequests({ columns }: WritePlan): readonly RawRequest[] {
    const isWhole = columns.columns.map(({ name }) => name).join() === '_id,document';
    return isWhole ? [{ format: documentFormat, as: ['_id', 'document'] }] : [];
  }

  async prepare({ plan }: { readonly plan: WritePlan }): Promise<void> {
    this.#plan = plan;
    this.#collection.create();
  }

  async beginPass(): Promise<void> {}

  async write(batch: Batch): Promise<PlainWriteResult> {
    const changes = 'rows' in batch.rows ? this.#changesOf(batch) : documentsOf(batch.rows.chunks);
    if (changes.length > 0) this.#collection.apply(changes);
    const deleted = changes.filter(({ document }) => document === null).length;
    return { written: changes.length - deleted, rejected: 0, rejections: [], deleted };
  }

  async endPass(): Promise<PlainWriteResult> {
    return { written: 0, rejected: 0, rejections: [], deleted: 0 };
  }

  async rest(): Promise<void> {}

  async close(): Promise<void> {}

  #changesOf(batch: Batch): readonly Change[] {
    const plan = this.#plan;
    if (!plan) throw new Error('write before prepare');
    const { upserts, deletions } = lastChanges(batch, plan);
    const columns = plan.columns.columns.map(({ name, source }) => ({ name, type: source.type }));
    const at = columns.findIndex(({ name }) => name === plan.key[0]);
    const write = rowWriter(columns);
    const rows = 'rows' in upserts.rows ? [...upserts.rows.rows] : [];
    return [
      ...deletions.map(([id]) => ({ id: Number(id), document: null })),
      ...Array.from(rows, (row) => ({ id: Number(row[at]), document: String(write(row)) })),
    ];
  }
}

function documentsOf(chunks: readonly Buffer[]): readonly Change[] {
  const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
  return lines.map((line) => {
    const [id, document] = JSON.parse(line) as [number, string | null];
    return { id, document };
  });
}
