import type { WritePlan } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { schemaChanged } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation } from '../../../core/values.ts';
import { replaceCountDiffers, shadowMissing } from '../../sql/destination/shadow.ts';
import { objectId } from '../catalog.ts';
import { readOnly } from '../connection/read-only.ts';
import { numberOf } from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import { BatchWriter } from './batch-writer.ts';
import type { CommitChange, CommitRows } from './commit-rows.ts';
import { ownTable } from './ddl.ts';
import { dropTable, requireOwnTable } from './own-tables.ts';
import { readDefinition, renameStatement, runInTurn, type TableDefinition } from './swap.ts';
import { shapeDiffers, TargetShape } from './target-shape.ts';

export interface ReplacementInput {
  readonly plan: WritePlan;
  /** The target's shape when it was claimed. */
  readonly target: TargetShape;
  readonly columns: readonly LoadColumn[];
  readonly token: Token;
  readonly hasIdentity: boolean;
  /** The table and its system, for messages. */
  readonly where: string;
}

/** What the batch of the swap answers if the shadow has another number of rows. */
const countDiffers = -2;

/**
 * A pass into a shadow table beside the target. At its end one transaction checks target, token and count, gives the target's name to the
 * shadow, and drops the old table.
 */
export class Replacement {
  readonly #session: Session;
  readonly #commits: CommitRows;
  readonly #input: ReplacementInput;
  readonly #shadow: TableName;
  readonly #old: TableName;
  /** The target's shape when it was claimed, or as the last pass left it. */
  #target: TargetShape;
  #expectedRows = 0;

  constructor(session: Session, commits: CommitRows, input: ReplacementInput) {
    this.#session = session;
    this.#commits = commits;
    this.#input = input;
    this.#target = input.target;
    this.#shadow = ownTable(input.target.entry.name, input.plan.uid, 'shadow');
    this.#old = ownTable(input.target.entry.name, input.plan.uid, 'old');
  }

  get target(): TargetShape {
    return this.#target;
  }

  async begin(
    isResumed: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly writer: BatchWriter; readonly shape: TargetShape }> {
    const session = this.#session;
    const { name } = this.#target.entry;
    const exists = await requireOwnTable(session, this.#shadow, 'shadow', signal);
    if (!isResumed) await this.#createShadow(signal);
    else if (!exists) throw shadowMissing(quoteName(name));
    await requireOwnTable(session, this.#shadow, 'shadow', signal);
    const shape = await TargetShape.read(session, this.#shadow, signal);
    const target = await TargetShape.read(session, name, signal);
    requireShape(this.#target.relation, target?.relation ?? null);
    if (!shape || columnsOf(shape.relation) !== columnsOf(this.#target.relation)) {
      if (isResumed) throw shadowMissing(quoteName(name));
      throw schemaChanged(quoteName(name));
    }
    this.#expectedRows = isResumed ? await this.#countShadow(signal) : 0;
    const { plan, columns, hasIdentity, where } = this.#input;
    const writer = new BatchWriter(session, {
      plan,
      table: this.#shadow,
      columns,
      isMerged: false,
      hasIdentity,
      where,
    });
    return { writer, shape };
  }

  count(rows: number): void {
    this.#expectedRows += rows;
  }

  async #createShadow(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    const { create } = await this.#definition(signal);
    const { plan, token } = this.#input;
    await session.guard(async () => {
      const results = await session.run(
        [
          'BEGIN TRANSACTION',
          this.#commits.holdStatement(session, plan.uid, token),
          dropTable(this.#shadow),
          dropTable(this.#old),
          ...create,
          'COMMIT TRANSACTION',
          'SELECT 1',
        ].join(';\n'),
      );
      await this.#commits.requireCommitted(session, results, { uid: plan.uid, token });
    }, signal);
  }

  async #definition(signal: AbortSignal): Promise<TableDefinition> {
    const { entry, relation } = this.#target;
    // The target's identity is another one after each swap.
    return await readDefinition(this.#session, entry.name, this.#shadow, relation.identity ?? '', signal);
  }

  /** Where the server cannot rename constraints or indexes, they keep the names that they were given in the shadow. */
  async #canRename({ trial }: TableDefinition, signal: AbortSignal): Promise<boolean> {
    const session = this.#session;
    if (trial.length === 0) return true;
    return await session.guard(async () => {
      try {
        await session.run(['BEGIN TRANSACTION', ...trial, 'ROLLBACK TRANSACTION'].join(';\n'));
        return true;
      } catch (thrown) {
        if (numberOf(thrown) === undefined) throw thrown;
        await session.rollBack();
        return false;
      }
    }, signal);
  }

  /** `change` is stored in the commit row. Throws `fenced`, ReplaceCountDiffers, SchemaChanged. */
  async finish(change: CommitChange, signal: AbortSignal): Promise<void> {
    const { plan, token } = this.#input;
    const session = this.#session;
    const { name } = this.#target.entry;
    const definition = await this.#definition(signal);
    const renames = (await this.#canRename(definition, signal)) ? definition.rename : [];
    const [shadow, old] = [this.#shadow, this.#old];
    const count = `(SELECT COUNT_BIG(*) FROM ${quoteName(shadow)} WITH (TABLOCKX, HOLDLOCK))`;
    const target = `CONVERT(nvarchar(64), ${objectId(name)})`;
    await reach('commit:before');
    const results = await runInTurn(
      session,
      [
        'BEGIN TRANSACTION',
        `IF ${count} <> ${this.#expectedRows} BEGIN ROLLBACK TRANSACTION; SELECT ${countDiffers}; RETURN END`,
        this.#target.requireSql,
        renameStatement([name.schema, name.table], old.table),
        renameStatement([shadow.schema, shadow.table], name.table),
        dropTable(old),
        ...renames,
        ...definition.grants,
        this.#commits.commitStatements(session, plan.uid, token, { ...change, target }),
      ].join(';\n'),
      session.lockTimeoutMs,
      signal,
    );
    const answer = Number(results.at(-1)?.rows.at(-1)?.[0]);
    if (answer === countDiffers)
      throw replaceCountDiffers(quoteName(name), await this.#countShadow(signal), this.#expectedRows);
    if (answer === shapeDiffers) throw await this.#changed();
    await this.#commits.requireCommitted(session, results, { uid: plan.uid, token });
    const swapped = await TargetShape.read(session, name, signal);
    if (!swapped) throw schemaChanged(quoteName(name));
    this.#target = swapped;
  }

  async #changed(): Promise<Error> {
    await this.#target.requireStill(this.#session);
    return schemaChanged(this.#target.relation.name);
  }

  async #countShadow(signal: AbortSignal): Promise<number> {
    const sql = `SELECT COUNT_BIG(*) FROM ${quoteName(this.#shadow)}`;
    const [[count] = []] = await readOnly(this.#session, sql, signal);
    return Number(count);
  }
}

/** For `idra plan`. */
export function replaceStatements(name: TableName, uid: string): readonly string[] {
  const shadow = ownTable(name, uid, 'shadow');
  return [
    `CREATE TABLE ${quoteName(shadow)} with the columns, defaults, keys, indexes and checks of ${quoteName(name)}`,
    `${renameStatement([shadow.schema, shadow.table], name.table)}, in one transaction that drops the old table and repeats its grants`,
  ];
}

/** What a shadow must have in common with its target; names of indexes may differ. */
function columnsOf({ columns, keys }: Relation): string {
  return JSON.stringify([columns, keys.map((key) => key.columns.join()).sort()]);
}
