import { createHash } from 'node:crypto';
import { permanent } from '../../core/errors.ts';
import { quoteDouble } from '../sql/names.ts';
import { literalText } from './literals.ts';
import { quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { swapStatements } from './swap.ts';

export interface ReplacementStart {
  readonly session: Session;
  readonly name: TableName;
  readonly uid: string;
  readonly pass: number;
  readonly isResumed: boolean;
  /** Raises where the claim is lost; stands before the COMMIT of what changes the shadow. */
  readonly guardSql: string;
}

/** A full snapshot into a shadow table beside the target, which takes its place when it is complete. */
export class Replacement {
  /** Quoted. */
  readonly shadow: string;
  readonly #start: ReplacementStart;
  #rows: number;

  private constructor(start: ReplacementStart, shadow: string, rows: number) {
    this.#start = start;
    this.shadow = shadow;
    this.#rows = rows;
  }

  /** Makes the shadow, or finds the one of a pass that goes on. */
  static async begin(start: ReplacementStart): Promise<Replacement> {
    const { session, name, pass, isResumed, guardSql } = start;
    const shadow = shadowName(name, start.uid);
    if (isResumed) {
      const [[note] = []] = await session.run(
        `SELECT obj_description(to_regclass(${literalText(shadow)}), 'pg_class')`,
      );
      const [, ofPass, rows] = /^idra pass (\d+) rows (\d+)$/.exec(note ?? '') ?? [];
      if (Number(ofPass) !== pass) throw shadowMissing(shadow);
      return new Replacement(start, shadow, Number(rows));
    }
    const made = new Replacement(start, shadow, 0);
    await session.run(
      `BEGIN; DROP TABLE IF EXISTS ${shadow}; CREATE TABLE ${shadow} (LIKE ${quoteName(name)} INCLUDING ALL);
       ${made.noteSql(0)}; ${guardSql}; COMMIT`,
    );
    return made;
  }

  /** For `idra plan`. */
  static statements(name: TableName, uid: string): readonly string[] {
    const shadow = shadowName(name, uid);
    return [
      `CREATE TABLE ${shadow} (LIKE ${quoteName(name)} INCLUDING ALL)`,
      `ALTER TABLE ${shadow} RENAME TO ${quoteDouble(name.table)}, in one transaction with what stood there dropped, and with its grants, triggers, foreign keys and views made again`,
    ];
  }

  /** Stores how many rows the shadow has got, in the transaction that puts them there. */
  noteSql(written: number): string {
    return `COMMENT ON TABLE ${this.shadow} IS 'idra pass ${this.#start.pass} rows ${this.#rows + written}'`;
  }

  /** They are committed. */
  add(written: number): void {
    this.#rows += written;
  }

  /** Within a transaction: the shadow has every row that was written, and is the target from its COMMIT on. */
  async swap(): Promise<void> {
    const { session, name } = this.#start;
    await session.run(`LOCK TABLE ${quoteName(name)} IN ACCESS EXCLUSIVE MODE`);
    const [[count] = []] = await session.run(`SELECT count(*) FROM ${this.shadow}`);
    if (Number(count) !== this.#rows) {
      throw permanent(
        'ReplaceCountDiffers',
        `the shadow table ${this.shadow} has ${count} rows, and ${this.#rows} were written`,
        {
          mend: 'look for who else writes it, then request restart',
        },
      );
    }
    for (const sql of await swapStatements(session, name, this.shadow)) await session.run(sql);
  }
}

/** Hashed: the name of the target may be as long as names can be. */
function shadowName({ schema, table }: TableName, uid: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([table, uid]))
    .digest('hex')
    .slice(0, 16);
  return quoteName({ schema, table: `_idra_shadow_${hash}` });
}

function shadowMissing(shadow: string): Error {
  return permanent('ShadowMissing', `the shadow table ${shadow} of the pass that was interrupted is gone`, {
    mend: 'request restart: the pass begins anew',
  });
}
