import type { PlannedColumn } from '../../../core/column-plan.ts';
import { softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import { updatedColumns } from '../../../core/upsert-columns.ts';
import { quoteDouble } from '../../sql/names.ts';
import { quoteName, type TableName } from '../names.ts';
import { dialect } from '../types/literals.ts';

/** The statements for a target table that follow from a plan. Pure. */
export class Target {
  readonly name: string;
  readonly columns: string;
  readonly #plan: WritePlan;

  constructor(name: TableName, plan: WritePlan) {
    this.name = quoteName(name);
    this.#plan = plan;
    this.columns = list(plan.columns.columns.map((each) => each.name));
  }

  /** Creates what is missing: the table, or columns of it. */
  get createSql(): readonly string[] {
    const { existing, columns, key, hasUniqueKey } = this.#plan;
    if (existing === null) {
      const parts = columns.columns.map(columnDdl);
      if (hasUniqueKey && key.length > 0) parts.push(`PRIMARY KEY (${list(key)})`);
      return [`CREATE TABLE ${this.name} (${parts.join(', ')})`];
    }
    const added = columns.columns.filter((each) => each.existing === null);
    return added.map((each) => `ALTER TABLE ${this.name} ADD COLUMN ${columnDdl(each)}`);
  }

  copySql(isBinary: boolean, into = this.name): string {
    return `COPY ${into} (${this.columns}) FROM STDIN${isBinary ? ' (FORMAT binary)' : ''}`;
  }

  /** Emptied by each COMMIT; has the target's column types without its constraints. */
  get stageSql(): string {
    return `CREATE TEMP TABLE ${stage} ON COMMIT DELETE ROWS AS SELECT ${this.columns} FROM ${this.name} WITH NO DATA`;
  }

  /** Of several rows with one key the last in read order wins; that is the order of ctid in the stage. */
  mergeSql(isDistinct: boolean, alwaysIdentity: ReadonlySet<string>): string {
    const { key } = this.#plan;
    const set = updatedColumns(this.#plan)
      .filter((name) => !alwaysIdentity.has(name))
      .map((name) => `${quoteDouble(name)} = excluded.${quoteDouble(name)}`);
    const select = isDistinct ? this.#newestSql : `SELECT ${this.columns} FROM ${stage}`;
    return `INSERT INTO ${this.name} (${this.columns}) OVERRIDING SYSTEM VALUE ${select}
      ON CONFLICT (${list(key)}) DO ${set.length === 0 ? 'NOTHING' : `UPDATE SET ${set.join(', ')}`}`;
  }

  /** The last staged row of each key. */
  get #newestSql(): string {
    const key = list(this.#plan.key);
    return `SELECT DISTINCT ON (${key}) ${this.columns} FROM ${stage} ORDER BY ${key}, ctid DESC`;
  }

  /** Whether a staged row is missing in the target or differs there. Compares texts, because not every type can be compared. */
  get missingSql(): string {
    const names = this.#plan.columns.columns.map((each) => quoteDouble(each.name));
    const texts = (of: string) => `ROW(${names.map((name) => `${of}.${name}::text`).join(', ')})`;
    return `SELECT EXISTS (SELECT FROM (${this.#newestSql}) s
      WHERE NOT EXISTS (SELECT FROM ${this.name} t WHERE ${this.#sameKey} AND ${texts('t')} IS NOT DISTINCT FROM ${texts('s')}))`;
  }

  /** Deletions go through the stage, too. */
  get copyDeletionsSql(): string {
    return `COPY ${stage} (${list(deletionColumns(this.#plan).map(({ name }) => name))}) FROM STDIN`;
  }

  /** Deletes or marks the rows with the staged keys. */
  get deleteSql(): string {
    if (this.#plan.deletes === 'Hard')
      return `DELETE FROM ${this.name} t USING ${stage} s WHERE ${this.#sameKey}`;
    return `UPDATE ${this.name} t SET ${deletedAt} = s.${deletedAt} FROM ${stage} s WHERE ${this.#sameKey} AND t.${deletedAt} IS NULL`;
  }

  /** Whether the table still has a row that deleteSql should have deleted or marked. */
  get undeletedSql(): string {
    const isLeft = this.#plan.deletes === 'Hard' ? '' : ` AND t.${deletedAt} IS NULL`;
    return `SELECT EXISTS (SELECT FROM ${this.name} t, ${stage} s WHERE ${this.#sameKey}${isLeft})`;
  }

  get #sameKey(): string {
    const { key, columns } = this.#plan;
    const equals = (name: string) => {
      const existing = columns.columns.find((each) => each.name === name)?.existing;
      return existing ? dialect.operator?.('=', existing) : '=';
    };
    return key.map((name) => `t.${quoteDouble(name)} ${equals(name)} s.${quoteDouble(name)}`).join(' AND ');
  }

  /** A SELECT from the table also returns rows of its child tables, to which a trigger may redirect rows. */
  get mayPassOn(): boolean {
    return this.#plan.existing?.isOpaque ?? false;
  }
}

const deletedAt = quoteDouble(softDeleteColumn);
export const stage = 'pg_temp."_idra_stage"';

function list(names: readonly string[]): string {
  return names.map(quoteDouble).join(', ');
}

function columnDdl({ name, ddl, isNullable }: PlannedColumn): string {
  return `${quoteDouble(name)} ${ddl}${isNullable ? '' : ' NOT NULL'}`;
}
