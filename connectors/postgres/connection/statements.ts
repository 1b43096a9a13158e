import type { Connection, FieldDef, QueryArrayResult, Submittable } from 'pg';

/** Values are texts, as the server writes them. */
export type TextRow = readonly (string | null)[];

/** What code below the session needs of it. */
export interface StatementRunner {
  run(sql: string): Promise<readonly TextRow[]>;
  results(sql: string): Promise<readonly QueryArrayResult[]>;
  rollBack(): Promise<void>;
  guard<T>(body: () => Promise<T>): Promise<T>;
}

/** Rows of the last statement that returned any. */
export function lastRows(results: readonly QueryArrayResult[]): readonly TextRow[] {
  return results.findLast((each) => each.rows.length > 0)?.rows ?? [];
}

/** What `pg` calls on a submitted query; its types declare only `submit`. */
interface QueryHooks extends Submittable {
  handleError(error: Error): void;
  handleCommandComplete(message: { readonly text: string }): void;
  handleReadyForQuery(): void;
  handleRowDescription(message: { readonly fields: readonly FieldDef[] }): void;
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void;
  handleCopyInResponse(): void;
  handleCopyData(): void;
}

/** What `pg` requires of a query that is not its own. */
export abstract class SubmittedQuery implements QueryHooks {
  abstract submit(connection: Connection): void;
  abstract handleError(error: Error): void;
  abstract handleCommandComplete(message: { readonly text: string }): void;
  abstract handleReadyForQuery(): void;
  /** `pg` requires queries to have a callback. */
  readonly callback = (): void => {};
  handleRowDescription(_message: { readonly fields: readonly FieldDef[] }): void {}
  handleDataRow(_message: { readonly fields: readonly (string | null)[] }): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}

/** Parse of the extended protocol, which accepts one statement and runs nothing. */
export class ParseOnly extends SubmittedQuery {
  readonly #text: string;
  readonly done: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(text: string) {
    super();
    this.#text = text;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    connection.parse({ name: '', text: this.#text, types: [] }, true);
    connection.sync();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: Error): void {
    this.#reject(error);
  }
}
