import type { Batch } from '../../../core/batch.ts';
import type {
  PassStart,
  PlainDestination,
  PlainWriteResult,
  SystemAccess,
  WritePlan,
} from '../../../core/connector.ts';
import { bug, type Finding } from '../../../core/errors.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Relation } from '../../../core/values.ts';
import { Session, type SessionOptions } from '../session.ts';
import { BatchWriter } from './batch-writer.ts';
import { DestinationFields } from './destination-fields.ts';

/** Calls of an API as a destination. It stores no offset, and cannot refuse an earlier owner: at least once. */
export class HttpDestination implements PlainDestination {
  readonly #session: Session;
  readonly #fields: DestinationFields;
  #writer: BatchWriter | undefined;
  #isAtomic = false;
  /** Rows since the offset that is stored. */
  #rows = 0;

  constructor(access: SystemAccess, object: DestinationObject, options: SessionOptions = {}) {
    this.#fields = new DestinationFields(object);
    this.#session = new Session(access, options);
  }

  get name(): string {
    return this.#fields.object.path ?? '';
  }

  /**
   * Nothing is known of what is behind a path without writing to it: whatever is sent is its columns and its key. It counts as the same
   * object for as long as the path is the same, because nobody can see whether it was emptied.
   */
  async describe(signal: AbortSignal): Promise<Relation | null> {
    signal.throwIfAborted();
    return { name: this.name, columns: [], keys: [], hasOpenColumns: true, identity: this.name };
  }

  async check(writeMode: WriteMode): Promise<readonly Finding[]> {
    return this.#fields.findings(writeMode);
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    return false;
  }

  statements({ writeMode, deletes }: WritePlan): readonly string[] {
    const { path } = this.#fields.object;
    const { deletePath } = this.#fields.object;
    const per = this.#fields.isForMany ? ` for up to ${this.#fields.rowsPerCall} rows` : ' for each row';
    return [
      `${this.#fields.method(writeMode)} ${path}${per}`,
      ...(deletes === 'Hard' ? [`DELETE ${deletePath ?? path} for each deletion`] : []),
    ];
  }

  rawRequests(): readonly [] {
    return [];
  }

  async prepare({ plan }: { readonly plan: WritePlan }): Promise<void> {
    this.#writer = new BatchWriter({ session: this.#session, fields: this.#fields, plan });
  }

  async beginPass({ isAtomic }: PassStart): Promise<void> {
    this.#isAtomic = isAtomic;
    this.#rows = 0;
  }

  async write(batch: Batch, signal: AbortSignal, after: string | null): Promise<PlainWriteResult> {
    signal.throwIfAborted();
    if (!this.#writer) throw bug('rows are written before prepare');
    const first = this.#isAtomic ? this.#rows : 0;
    const result = await this.#writer.write(batch, after, first, signal);
    this.#rows = first + batch.rowCount;
    return result;
  }

  async endPass(): Promise<PlainWriteResult> {
    this.#isAtomic = false;
    return { written: 0, deleted: 0, rejected: 0, rejections: [] };
  }

  async rest(): Promise<void> {
    this.#session.close();
  }

  async close(): Promise<void> {
    this.#session.close();
  }
}
