import { createHash } from 'node:crypto';
import { restartCommand } from '../../../core/commands.ts';
import { permanent, schemaChanged } from '../../../core/errors.ts';
import type { Relation } from '../../../core/values.ts';
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
  /** Raises where the claim is lost; stands before the COMMIT of what changes the shadow. */
  readonly guardSql: string;
  /** Of the target. */
  readonly shape: ClaimedShape;
}

/** The shadow of a pass that was interrupted is gone, or is not like the target any more: the pass begins again. */
export class ShadowUnfit extends Error {}

/** A full snapshot into a shadow table beside the target, which takes its place when it is complete. */
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

  /** Makes the shadow, or finds the one of a pass that goes on. Throws ShadowUnfit. */
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
      if (Number(ofPass) !== pass || !seen || seen.entry.oid !== own?.oid || !target) throw new ShadowUnfit();
      if (columnsOf(seen.entry.relation) !== columnsOf(target.entry.relation)) throw new ShadowUnfit();
      return new Replacement(start, seen, Number(rows));
    }
    const shadow = quoteName(table);
    // The grants of default privileges go: the shadow gets those of the target with its name.
    await session.run(
      `BEGIN; ${shape.requireSql()}; DROP TABLE IF EXISTS ${shadow}; CREATE TABLE ${shadow} (LIKE ${quoteName(name)} INCLUDING ALL);
       ${revokeSql(table, 'ALL')}; ${noteSql(shadow, pass, 0)}; ${guardSql}`,
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
      `ALTER TABLE ${shadow} RENAME TO ${quoteDouble(name.table)}, in one transaction with what stood there dropped, and with its grants, triggers, foreign keys and views made again`,
    ];
  }

  /** Stores how many rows the shadow has got, in the transaction that puts them there. */
  noteSql(written: number): string {
    return noteSql(this.shadow, this.#start.pass, this.#rows + written);
  }

  /** Raises unless the shadow is as it was made. */
  get requireSql(): string {
    return requireSeenSql(shadowName(this.#start.name, this.#start.uid), this.#seen.fingerprint);
  }

  /** They are committed. */
  add(written: number): void {
    this.#rows += written;
  }

  /**
   * Within a transaction: the shadow has every row that was written, and is the target from its COMMIT on; gives what it is then. Nobody
   * writes it while it is counted, which is done before readers of the target are kept out.
   */
  async swap(signal: AbortSignal): Promise<SeenTable> {
    const { session, name, shape } = this.#start;
    await session.run(`LOCK TABLE ${this.shadow} IN ACCESS EXCLUSIVE MODE`);
    const [[count] = []] = await session.run(`SELECT pg_catalog.count(*) FROM ${this.shadow}`);
    if (Number(count) !== this.#rows) {
      throw permanent(
        'ReplaceCountDiffers',
        `the shadow table ${this.shadow} has ${count} rows, and ${this.#rows} were written`,
        {
          mend: `look for who else writes it, then run ${restartCommand}`,
        },
      );
    }
    await lockOutOthers(session, name, signal);
    await session.run(shape.seenSql);
    for (const sql of await swapStatements(session, name, this.shadow)) await session.run(sql);
    const seen = await seeTable(session, name, path);
    if (!seen) throw schemaChanged(quoteName(name));
    return seen;
  }
}

const path = 'spec.destination.table';

/** What a shadow must have in common with its target, whatever its indexes are called. */
function columnsOf({ columns, keys }: Relation): string {
  return JSON.stringify([columns, keys.map((key) => key.columns.join()).sort()]);
}

function noteSql(shadow: string, pass: number, rows: number): string {
  return `COMMENT ON TABLE ${shadow} IS 'idra pass ${pass} rows ${rows}'`;
}

/** Hashed: the name of the target may be as long as names can be. */
export function shadowName({ schema, table }: TableName, uid: string): TableName {
  const hash = createHash('sha256')
    .update(JSON.stringify([table, uid]))
    .digest('hex')
    .slice(0, 16);
  return { schema, table: `_idra_shadow_${hash}` };
}
