import type { ClientSession } from 'mongodb';
import type { ClaimRequest } from '../../../core/connector.ts';
import { offsetMovedInPass } from '../../../core/offset-moved.ts';
import type { Token } from '../../../core/token.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import type { Session } from '../session.ts';
import { type Advance, type CommitRows, type Holding, newAttempt, type StoredCommit } from './commit-rows.ts';
import type { IdForm } from './document-keys.ts';
import type { WriteTransactions } from './write-transaction.ts';

/** What a claim works with. */
export interface ClaimInit {
  readonly session: Session;
  readonly commits: CommitRows;
  readonly collection: string;
  readonly request: ClaimRequest;
  /** Undefined: a server without transactions. */
  readonly transactions: WriteTransactions | undefined;
  readonly stored: StoredCommit;
  readonly form: IdForm;
  /** Identity of the collection; undefined if the server has none. */
  readonly target: string | undefined;
  readonly wasEmpty: boolean;
}

interface HeldCommitInit {
  readonly commits: CommitRows;
  readonly collection: string;
  readonly uid: string;
  readonly transactions: WriteTransactions | undefined;
  readonly stored: StoredCommit;
}

export interface Change extends Omit<Advance, 'offset' | 'attempt'> {
  readonly attempt?: string;
}

/** The document in `_idra_commits` as this claim has written it last: each write changes it, if it still is that. */
export class HeldCommit {
  readonly #init: HeldCommitInit;
  #holding: Holding;
  #totalRows: number;
  /** Where the last batch began, and how many before it began there. */
  #begun: { readonly offset: string | null; readonly number: number } | undefined;

  constructor(init: HeldCommitInit) {
    this.#init = init;
    const { token, session, attempt, offset, rows } = init.stored;
    this.#holding = { token, session: session ?? '', attempt, offset };
    this.#totalRows = Number(rows);
  }

  get token(): Token {
    return this.#holding.token;
  }

  get offset(): string | null {
    return this.#holding.offset;
  }

  get totalRows(): number {
    return this.#totalRows;
  }

  passBegins(): void {
    this.#begun = undefined;
  }

  /** Names the next batch: again the same if it is written again after a crash, because that begins at the stored offset. */
  beginOfBatch(): string {
    const { offset } = this.#holding;
    // Several batches begin at one offset if the pass stores none before its end.
    const number = this.#begun?.offset === offset ? this.#begun.number + 1 : 0;
    this.#begun = { offset, number };
    return `${number} ${offset}`;
  }

  /** A user changed the offset under this claim. */
  offsetIs({ offset, attempt }: Pick<Holding, 'offset' | 'attempt'>): void {
    this.#holding = { ...this.#holding, offset, attempt };
  }

  /** Throws if the document is not that of this claim any more. Within a transaction call `committed` after its COMMIT. */
  async advance(
    change: Change,
    offset: string | null,
    client: ClientSession | undefined,
  ): Promise<StoredCommit> {
    const { commits, uid } = this.#init;
    const attempt = change.attempt ?? newAttempt();
    const stored = await commits.advance(uid, this.#holding, { ...change, offset, attempt }, client);
    if (!stored) throw await this.#notHeld();
    return stored;
  }

  committed({ attempt, offset, rows }: StoredCommit): void {
    this.#holding = { ...this.#holding, attempt, offset };
    this.#totalRows = Number(rows);
  }

  /** Whether the write with this attempt was committed. */
  async isStored(attempt: string): Promise<boolean> {
    return (await this.#find())?.attempt === attempt;
  }

  async require(): Promise<void> {
    const found = await this.#find();
    const { attempt, offset } = this.#holding;
    if (!this.#isOurs(found) || found?.attempt !== attempt || found.offset !== offset)
      throw await this.#notHeld();
  }

  async #notHeld(): Promise<Error> {
    const { transactions, collection } = this.#init;
    await transactions?.abort();
    return this.#isOurs(await this.#find()) ? offsetMovedInPass(collection) : writeIsFenced(this.token);
  }

  #isOurs(found: StoredCommit | undefined): boolean {
    const { token, session } = this.#holding;
    return found !== undefined && !found.closed && found.token === token && found.session === session;
  }

  async #find(): Promise<StoredCommit | undefined> {
    return await this.#init.commits.find(this.#init.uid);
  }
}
