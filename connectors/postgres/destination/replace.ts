import { createHash } from 'node:crypto';
import { schemaChanged } from '../../../core/errors.ts';
import type { Relation } from '../../../core/values.ts';
import { replaceCountDiffers, shadowMissing } from '../../sql/destination/shadow.ts';
import { quoteDouble } from '../../sql/names.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { requireOwnTable, revokeSql } from './own-tables.ts';
import { lockOutOthers, swapStatements } from './swap.ts';
import { type ClaimedShape, requireSeenSql, type SeenTable, seeTable } from './target-shape.ts';

export interface ReplacementStart {
  readonly session: Session;
  readonly name: TableName;
  readonly uid: string;
  readonly pass: number;
  readonly isResumed: boolean;
  /** Raises an error if the claim is lost; comes before the COMMIT of a change to the shadow. */
  readonly guardSql: string;
  /** The shape of the target. */
  readonly shape: ClaimedShape;
}

/** A full snapshot into a shadow table beside the target, which replaces the target when it is complete. */
export class Replacement {
  /** Quoted. */
  readonly shadow: string;
  readonly #start: ReplacementStart;
  readonly #seen: SeenTable;
  #rows: number;

  private constructor(start: ReplacementStart, seen: SeenTable, rows: number) {
    this.#start = start;
    this.shadow = quoteName(shadowName(start.name, start.uid));
    this.#seen = seen;
    this.#rows = rows;
  }

  /** Creates the shadow, or finds the one of a pass that is resumed. Throws ShadowMissing. */
  static async begin(start: ReplacementStart): Promise<Replacement> {
    const { session, name, pass, isResumed, guardSql, shape } = start;
    const table = shadowName(name, start.uid);
    const own = await requireOwnTable(session, table, 'shadow');
    if (isResumed) {
      const [[note] = []] = await session.run(
        `SELECT pg_catalog.obj_description(${regclass(table)}, 'pg_class')`,
      );
      const [, ofPass, rows] = /^idra pass (\d+) rows (\d+)$/.exec(note ?? '') ?? [];
      const [seen, target] = [await seeTable(session, table, path), await seeTable(session, name, path)];
      if (Number(ofPass) !== pass || !seen || seen.entry.oid !== own?.oid || !target)
        throw shadowMissing(quoteName(name));
      if (columnsOf(seen.entry.relation) !== columnsOf(target.entry.relation))
        throw shadowMissing(quoteName(name));
      return new Replacement(start, seen, Number(rows));
    }
    const shadow = quoteName(table);
    // Grants from default privileges are revoked; the shadow gets the target's grants together with its name.
    await session.run(
      `BEGIN; ${shape.requireSql()}; DROP TABLE IF EXISTS ${shadow}; CREATE TABLE ${shadow} (LIKE ${quoteName(name)} INCLUDING ALL);
       ${revokeSql(table, 'ALL')}; ${storeCountSql(shadow, pass, 0)}; ${guardSql}`,
    );
    const seen = await seeTable(session, table, path);
    await session.run('COMMIT');
    if (!seen) throw schemaChanged(shadow);
    return new Replacement(start, seen, 0);
  }

  /** For `idra plan`. */
  static statements(name: TableName, uid: string): readonly string[] {
    const shadow = quoteName(shadowName(name, uid));
    return [
      `CREATE TABLE ${shadow} (LIKE ${quoteName(name)} INCLUDING ALL)`,
      `ALTER TABLE ${shadow} RENAME TO ${quoteDouble(name.table)}, in one transaction that drops the old table and re-creates its grants, triggers, foreign keys and views`,
    ];
  }

  /** Stores the number of rows in the shadow, in the transaction that writes them. */
  storeCountSql(written: number): string {
    return storeCountSql(this.shadow, this.#start.pass, this.#rows + written);
  }

  /** Raises an error unless the shadow is as it was created. */
  get requireSql(): string {
    return requireSeenSql(shadowName(this.#start.name, this.#start.uid), this.#seen.fingerprint);
  }

  /** Call after these rows have been committed. */
  add(written: number): void {
    this.#rows += written;
  }

  /**
   * Call within a transaction. Checks that the shadow has every row that was written, and makes it the target as of COMMIT; returns its
   * new state. It is locked against writers while its rows are counted, which happens before readers of the target are blocked.
   * Throws ReplaceCountDiffers.
   */
  async swap(signal: AbortSignal): Promise<SeenTable> {
    const { session, name, shape } = this.#start;
    await session.run(`LOCK TABLE ${this.shadow} IN ACCESS EXCLUSIVE MODE`);
    const [[count] = []] = await session.run(`SELECT pg_catalog.count(*) FROM ${this.shadow}`);
    if (Number(count) !== this.#rows) throw replaceCountDiffers(quoteName(name), Number(count), this.#rows);
    await lockOutOthers(session, name, signal);
    await session.run(shape.seenSql);
    for (const sql of await swapStatements(session, name, this.shadow)) await session.run(sql);
    const seen = await seeTable(session, name, path);
    if (!seen) throw schemaChanged(quoteName(name));
    return seen;
  }
}

const path = 'spec.destination.table';

/** What a shadow must have in common with its target; names of indexes may differ. */
function columnsOf({ columns, keys }: Relation): string {
  return JSON.stringify([columns, keys.map((key) => key.columns.join()).sort()]);
}

function storeCountSql(shadow: string, pass: number, rows: number): string {
  return `COMMENT ON TABLE ${shadow} IS 'idra pass ${pass} rows ${rows}'`;
}

/** Hashed, because the target's name may have the maximum length already. */
export function shadowName({ schema, table }: TableName, uid: string): TableName {
  const hash = createHash('sha256')
    .update(JSON.stringify([table, uid]))
    .digest('hex')
    .slice(0, 16);
  return { schema, table: `_idra_shadow_${hash}` };
}
