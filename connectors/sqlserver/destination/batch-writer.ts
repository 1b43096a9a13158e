import { type Rejection, softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { updatedColumns } from '../../../core/upsert-columns.ts';
import { namedAs, refusedRow } from '../../sql/destination/refused-row.ts';
import { asRowError, type RowError, rowMessage } from '../errors.ts';
import { quoteBracket, quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import { partsOf } from '../types/type-name.ts';
import { begun, type EncodedRows, numberColumn, requireWhole } from './bulk-load.ts';
import { binaryCollation, stageName } from './ddl.ts';
import { deletionSql } from './deletions.ts';

export interface RowTarget {
  readonly plan: WritePlan;
  readonly table: TableName;
  readonly columns: readonly LoadColumn[];
  /** Rows are merged by the key; otherwise they are inserted. */
  readonly isMerged: boolean;
  /** IDENTITY_INSERT is needed. */
  readonly hasIdentity: boolean;
  /** For messages. */
  readonly where: string;
}

/** Rows of the staging table by their numbers, both included. */
interface Numbers {
  readonly from: number;
  readonly to: number;
}

/**
 * Puts rows into a table: they are loaded into a table of the session and merged from there by one batch, which is one transaction. The
 * merge is DELETE, UPDATE and INSERT under locks that keep others from adding a key in between; MERGE does not have that guarantee.
 */
export class BatchWriter {
  readonly #session: Session;
  readonly #target: RowTarget;
  /** What was loaded, with the number of its first row. */
  readonly #loaded: { readonly first: number; readonly rows: EncodedRows }[] = [];
  #next = 0;
  /** Deletions have the first numbers: those below this one. */
  #firstRow = 0;
  #rows = 0;
  #deletions = 0;
  /** Rows of an earlier batch are still in the staging table. */
  #hasOldRows = true;

  constructor(session: Session, target: RowTarget) {
    this.#session = session;
    this.#target = target;
  }

  /** Rows that are staged, without deletions. */
  get staged(): number {
    return this.#rows;
  }

  get isEmpty(): boolean {
    return this.#rows + this.#deletions === 0;
  }

  /** The number of the next row. */
  get next(): number {
    return this.#next;
  }

  /** Forgets what is staged. */
  empty(): void {
    this.#hasOldRows ||= this.#next > 0;
    this.#loaded.length = 0;
    this.#next = 0;
    this.#firstRow = 0;
    this.#rows = 0;
    this.#deletions = 0;
  }

  /**
   * Loads deletions, which must be the first that are staged, and rows, numbered from `next` on. Removes those that the table would store
   * as another value, or as another row.
   */
  async stage(deletions: EncodedRows, rows: EncodedRows): Promise<readonly Rejection[]> {
    const chunks = begun(deletions.chunks, rows.chunks);
    if (!chunks) {
      requireWhole(rows);
      return [];
    }
    if (this.#hasOldRows) await this.#session.run(`TRUNCATE TABLE ${stageName}`);
    this.#hasOldRows = false;
    const first = this.#next;
    if (deletions.count > 0) this.#firstRow = first + deletions.count;
    const columns = [
      numberColumn,
      ...this.#target.columns.map((each, index) => ({ ...each, name: `c${index}` })),
    ];
    await this.#session.load({ table: stageName, columns, chunks });
    this.#loaded.push({ first, rows: deletions }, { first: first + deletions.count, rows });
    this.#next = first + deletions.count + rows.count;
    this.#rows += rows.count;
    this.#deletions += deletions.count;
    requireWhole(rows);
    const rejections: Rejection[] = [];
    for (const { sql, code, message, column } of this.#checks(first)) {
      const [found] = await this.#session.run(sql);
      for (const [number] of found?.rows ?? [])
        rejections.push(await this.#refuse(Number(number), { code, message, column }));
    }
    return rejections;
  }

  /** The statements that apply everything that is staged: first deletions, then rows. */
  get mergeSql(): string {
    return this.#mergeSql({ from: 0, to: this.#next });
  }

  /**
   * Call after the merge was refused because of a row. Finds the rows that the table refuses and removes them from the staging table; with
   * onError Stop the first one is thrown.
   */
  async findRefused(error: RowError): Promise<readonly Rejection[]> {
    const rejections: Rejection[] = [];
    await this.#searchAlone({ from: 0, to: this.#next - 1 }, rejections);
    // No row is refused by itself: two rows of the batch exclude each other.
    if (rejections.length === 0) rejections.push(await this.#searchTogether(error));
    return rejections;
  }

  /** Each part is tried by itself, and rolled back; a part that is refused is halved. */
  async #searchAlone({ from, to }: Numbers, rejections: Rejection[]): Promise<void> {
    const error = await this.#tried({ from, to });
    if (!error) return;
    if (from === to) {
      rejections.push(await this.#refuse(from, rejectionOf(error)));
      return;
    }
    const middle = Math.floor((from + to) / 2);
    await this.#searchAlone({ from, to: middle }, rejections);
    await this.#searchAlone({ from: middle + 1, to }, rejections);
  }

  /** The first row that is refused after all rows before it. */
  async #searchTogether(error: RowError): Promise<Rejection> {
    let [good, bad] = [-1, this.#next - 1];
    let why = error;
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      const refused = await this.#tried({ from: 0, to: middle });
      if (refused) [bad, why] = [middle, refused];
      else good = middle;
    }
    return await this.#refuse(bad, rejectionOf(why));
  }

  async #tried(numbers: Numbers): Promise<RowError | undefined> {
    try {
      await this.#session.run(
        `BEGIN TRANSACTION;\n${this.#mergeSql(numbers)};\nIF @@TRANCOUNT > 0 ROLLBACK TRANSACTION`,
      );
      return undefined;
    } catch (thrown) {
      const error = asRowError(thrown);
      if (!error) throw thrown;
      await this.#session.rollBack();
      return error;
    }
  }

  async #refuse(
    number: number,
    { code, message, column }: Pick<Rejection, 'code' | 'message'> & { column?: string | undefined },
  ): Promise<Rejection> {
    const { plan, where } = this.#target;
    const named = namedAs(this.#nameOf(number));
    const rejection: Rejection = { code, message, ...(column !== undefined && { column }), ...named };
    if (plan.onError === 'Stop') throw refusedRow(rejection, where);
    await this.#session.run(`DELETE FROM ${stageName} WHERE n = ${number}`);
    if (number >= this.#firstRow) this.#rows -= 1;
    else this.#deletions -= 1;
    return rejection;
  }

  #nameOf(number: number): string | undefined {
    const loaded = this.#loaded.findLast(({ first, rows }) => rows.count > 0 && first <= number);
    return loaded?.rows.nameOf(number - loaded.first);
  }

  #mergeSql({ from, to }: Numbers): string {
    const first = this.#firstRow;
    return [
      ...(from < first ? this.#deletionSql({ from, to: Math.min(to, first - 1) }) : []),
      ...(to >= first ? this.#putSql({ from: Math.max(from, first), to }) : []),
    ].join(';\n');
  }

  #deletionSql(numbers: Numbers): string[] {
    const { plan, columns } = this.#target;
    const time = this.#stored(columns.findIndex((column) => column.name === softDeleteColumn));
    const joined = `${this.#locked} JOIN ${stageName} AS s ON ${this.#sameKey}`;
    return deletionSql(plan, { joined, rows: within('s.n', numbers), time });
  }

  #putSql(numbers: Numbers): string[] {
    const { isMerged, hasIdentity, table, columns } = this.#target;
    const name = quoteName(table);
    const list = columns.map((column) => quoteBracket(column.name)).join(', ');
    const items = columns.map((_, index) => this.#stored(index)).join(', ');
    const isAll = numbers.from === 0 && numbers.to >= this.#next - 1;
    const some = isAll ? '' : ` WHERE ${within('s.n', numbers)}`;
    const statements = isMerged
      ? this.#upsertSql(numbers, list, items)
      : [`INSERT INTO ${name} (${list}) SELECT ${items} FROM ${stageName} AS s${some}`];
    if (!hasIdentity) return statements;
    return [`SET IDENTITY_INSERT ${name} ON`, ...statements, `SET IDENTITY_INSERT ${name} OFF`];
  }

  /** Of rows with one key the last wins. */
  #upsertSql(numbers: Numbers, list: string, items: string): string[] {
    const { plan, table, columns } = this.#target;
    const rows = within('s.n', numbers);
    const laterKey = this.#keyPlaces.map((at) => `l.c${at} = s.c${at}`);
    const last = `NOT EXISTS (SELECT 1 FROM ${stageName} AS l WHERE ${laterKey.join(' AND ')} AND l.n > s.n AND ${within('l.n', numbers)})`;
    const updated = updatedColumns(plan).filter((column) => !this.#isNeverUpdated(column));
    const sets = updated.map((column) => {
      const at = columns.findIndex((each) => each.name === column);
      return `t.${quoteBracket(column)} = ${this.#stored(at)}`;
    });
    const [locked, same] = [this.#locked, this.#sameKey];
    return [
      ...(sets.length > 0
        ? [
            `UPDATE t SET ${sets.join(', ')} FROM ${locked} JOIN ${stageName} AS s ON ${same} WHERE ${rows} AND ${last}`,
          ]
        : []),
      `INSERT INTO ${quoteName(table)} (${list}) SELECT ${items} FROM ${stageName} AS s WHERE ${rows} AND ${last}
         AND NOT EXISTS (SELECT 1 FROM ${locked} WHERE ${same})`,
    ];
  }

  /** The target as t: nobody adds or changes a row of these keys until COMMIT. */
  get #locked(): string {
    return `${quoteName(this.#target.table)} AS t WITH (UPDLOCK, HOLDLOCK)`;
  }

  /** Places of the key's columns among the staged ones. */
  get #keyPlaces(): readonly number[] {
    const { plan, columns } = this.#target;
    return plan.key.map((key) => columns.findIndex((column) => column.name === key));
  }

  /** The key of t is that of s. */
  get #sameKey(): string {
    const { columns } = this.#target;
    return this.#keyPlaces
      .map((at) => `t.${quoteBracket(columns[at]?.name ?? '')} = ${this.#compared(at)}`)
      .join(' AND ');
  }

  #isNeverUpdated(name: string): boolean {
    const planned = this.#target.plan.columns.columns.find((column) => column.name === name);
    return planned?.existing?.isNeverUpdated === true;
  }

  /** The value of the target's column. The server converts by itself where it reports values that do not fit. */
  #stored(index: number): string {
    const column = this.#target.columns[index];
    const { base } = partsOf(column?.target ?? '');
    const isParsed = ['xml', 'hierarchyid', 'geometry', 'geography', 'uniqueidentifier', 'real'].includes(
      base,
    );
    return isParsed ? `CONVERT(${column?.target}, s.c${index})` : `s.c${index}`;
  }

  /** For a comparison with the target's column, of its own type so that its index can be used. */
  #compared(index: number): string {
    const { target = '', ddl = '' } = this.#target.columns[index] ?? {};
    return target === ddl ? `s.c${index}` : `CONVERT(${target}, s.c${index})`;
  }

  *#checks(first: number): Generator<Check> {
    const { columns } = this.#target;
    for (const [index, column] of columns.entries()) {
      if (/^(var)?char$|^text$/.test(partsOf(column.target).base)) yield lossyText(column.name, index, first);
    }
    const padded = this.#paddedKeys();
    if (padded.length > 0) yield this.#sameButForPadding(padded, first);
  }

  /** Key columns whose values may differ only in what SQL Server ignores. At a source of the same kind such rows are one row as well. */
  #paddedKeys(): readonly number[] {
    const { plan, isMerged } = this.#target;
    if (!isMerged) return [];
    return plan.columns.columns.flatMap(({ name, source, existing }, index) => {
      const isPadded = source.type.kind === 'text' || source.type.kind === 'bytes';
      const isSameRule =
        existing !== null && existing.collation !== undefined && existing.collation === source.collation;
      return plan.key.includes(name) && isPadded && !isSameRule ? [index] : [];
    });
  }

  #sameButForPadding(padded: readonly number[], first: number): Check {
    const { table, columns } = this.#target;
    const differs = (other: (at: number) => string) =>
      padded.map((at) => `DATALENGTH(${other(at)}) <> DATALENGTH(${this.#compared(at)})`).join(' OR ');
    const nameAt = (at: number) => `t.${quoteBracket(columns[at]?.name ?? '')}`;
    const inStage = this.#keyPlaces.map((at) => `l.c${at} = s.c${at}`).join(' AND ');
    return {
      sql: `SELECT s.n FROM ${stageName} AS s WHERE s.n >= ${first} AND (
        EXISTS (SELECT 1 FROM ${quoteName(table)} AS t WHERE ${this.#sameKey} AND (${differs(nameAt)}))
        OR EXISTS (SELECT 1 FROM ${stageName} AS l WHERE ${inStage} AND l.n < s.n AND (${padded.map((at) => `DATALENGTH(l.c${at}) <> DATALENGTH(s.c${at})`).join(' OR ')}))) ORDER BY s.n`,
      code: 'ConstraintViolated',
      message:
        'its key differs from that of another row only by blanks or zero bytes at its end, which SQL Server ignores',
    };
  }
}

function within(number: string, { from, to }: Numbers): string {
  return `${number} BETWEEN ${from} AND ${to}`;
}

interface Check {
  /** Returns the numbers of the refused rows. */
  readonly sql: string;
  readonly code: Rejection['code'];
  readonly message: string;
  readonly column?: string;
}

/** The server writes `?` for a character that the code page of the column does not have, without an error. */
function lossyText(column: string, index: number, first: number): Check {
  const kept = `CONVERT(nvarchar(max), CONVERT(varchar(max), s.c${index}))`;
  return {
    sql: `SELECT s.n FROM ${stageName} AS s WHERE s.n >= ${first} AND ${kept} COLLATE ${binaryCollation} <> s.c${index} COLLATE ${binaryCollation} ORDER BY s.n`,
    code: 'CharacterNotKept',
    message: "a text has a character that the column's collation does not have",
    column,
  };
}

function rejectionOf(error: RowError): Pick<Rejection, 'code' | 'message'> & { column?: string | undefined } {
  return { code: error.code, message: rowMessage(error), column: error.column };
}
