import type { Batch, BatchLimits, RowFormat } from '../../../core/batch.ts';
import type { Offset } from '../../../core/offset.ts';
import { RowPacker } from '../../../core/packed-rows.ts';
import type { Row } from '../../../core/values.ts';

/** Collects the rows of one batch. */
export class BatchBuilder {
  readonly #limits: BatchLimits;
  readonly #format: string;
  #rows = new RowPacker();
  #deletions: number[] = [];
  #chunks: Buffer[] = [];
  #count = 0;
  #bytes = 0;

  constructor(limits: BatchLimits, { format }: RowFormat) {
    this.#limits = limits;
    this.#format = format;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count >= this.#limits.maxRows || this.#bytes >= this.#limits.maxBytes;
  }

  /** A row that is larger than a batch travels alone. */
  hasRoomFor(bytes: number): boolean {
    return this.isEmpty || this.#bytes + bytes <= this.#limits.maxBytes;
  }

  addRow(row: Row, isDeletion: boolean, bytes: number): void {
    if (isDeletion) this.#deletions.push(this.#count);
    this.#rows.push(row as unknown[]);
    this.#count += 1;
    this.#bytes += bytes;
  }

  addChunk(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#count += 1;
    this.#bytes += chunk.length;
  }

  /** The batch; the builder is empty afterwards. */
  take(offset: Offset, more: Pick<Batch, 'lastTimestamp' | 'misfits' | 'newFields'>): Batch {
    const deletions = this.#deletions.length > 0 ? { deletions: this.#deletions } : {};
    const rows =
      this.#format === 'values'
        ? { format: 'values' as const, rows: this.#rows.finish(), ...deletions }
        : { format: this.#format, chunks: this.#chunks };
    const batch = { rows, rowCount: this.#count, byteCount: this.#bytes, offset, ...more };
    [this.#rows, this.#deletions, this.#chunks] = [new RowPacker(), [], []];
    [this.#count, this.#bytes] = [0, 0];
    return batch;
  }
}
