import type { Batch, RowList } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { quoteBacktick } from '../../sql/names.ts';
import type { ServerFacts } from '../connection/server-facts.ts';
import type { Result } from '../connection/statements.ts';
import { isRowError, RowError } from '../errors.ts';
import { encodeRow, type Form, type LoadColumn } from '../types/encode.ts';
import { type Lines, linesOf } from '../types/tsv-lines.ts';
import { largestFloat, rowLiteral, rowsBroken } from './row-literals.ts';
import type { WriteTransaction } from './write-transaction.ts';

const newline = 0x0a;
/** Bytes per INSERT statement where LOAD DATA LOCAL is not available. */
const insertBytes = 1_048_576;
/** About the size of a chunk of lines. */
const chunkBytes = 262_144;

export interface BatchLines {
  readonly lines: Lines;
  readonly rejections: readonly Rejection[];
}

export interface LinesInput {
  readonly plan: WritePlan;
  readonly columns: readonly LoadColumn[];
  /** The table, for messages. */
  readonly where: string;
}

/** Converts a batch to lines for loading. Rows with a value that cannot be written as a line are refused here, by plan.onError. */
export function toLines({ rows, rowCount }: Pick<Batch, 'rows' | 'rowCount'>, input: LinesInput): BatchLines {
  if ('rows' in rows) return encodeRows(rows.rows, input);
  if (rows.format !== 'tsv') throw bug(`a batch of ${rows.format} cannot be written to MySQL`);
  return { lines: { chunks: rows.chunks, count: rowCount }, rejections: [] };
}

function encodeRows(rows: RowList, { plan, columns, where }: LinesInput): BatchLines {
  const lines = new LineChunks();
  const rejections: Rejection[] = [];
  for (const row of rows) {
    const line = encodeRow(row, columns);
    if (typeof line === 'string') lines.push(line);
    else {
      const rejection: Rejection = {
        code: line.code,
        column: line.column,
        message: line.why,
        ...namedAs(rowName(plan, row)),
      };
      if (plan.onError === 'Stop') throw refusedRow(rejection, where);
      rejections.push(rejection);
    }
  }
  return { lines: lines.finish(), rejections };
}

/** Collects lines as bytes, so that few of them are texts at any time. */
class LineChunks {
  readonly #chunks: Buffer[] = [];
  #text = '';
  #count = 0;

  push(line: string): void {
    this.#text += line;
    this.#count += 1;
    if (this.#text.length >= chunkBytes) this.#flush();
  }

  finish(): Lines {
    this.#flush();
    return { chunks: this.#chunks, count: this.#count };
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#text));
    this.#text = '';
  }
}

/** Splits lines near the middle. A single line cannot be split. */
export function halves({ chunks, count }: Lines): readonly [Lines, Lines] {
  const all = Buffer.concat(chunks);
  const half = count >> 1;
  let at = 0;
  for (let line = 0; line < half; line++) at = all.indexOf(newline, at) + 1;
  return [
    { chunks: [all.subarray(0, at)], count: half },
    { chunks: [all.subarray(at)], count: count - half },
  ];
}

/** How rows whose key already exists in the table are handled: `REPLACE` keeps the last. */
export type Duplicates = 'REPLACE' | '';

export interface Loader {
  readonly transaction: WriteTransaction;
  readonly facts: ServerFacts;
}

export interface LoadOptions {
  readonly duplicates: Duplicates;
  /** Statements sent together with the first one. */
  readonly before?: readonly string[];
  /** See WriteTransaction.run. */
  readonly beforeBegin?: readonly string[];
}

/**
 * Loads lines into a table. Throws RowError if the table would store a row differently from the input: LOAD DATA LOCAL only warns,
 * whatever the sql_mode, and a rounded DECIMAL is only a note.
 */
export async function loadLines(
  loader: Loader,
  table: string,
  columns: readonly LoadColumn[],
  lines: Lines,
  options: LoadOptions,
): Promise<{ readonly deleted: number }> {
  const { transaction, facts } = loader;
  if (!facts.hasLocalInfile) return await insertLines(loader, table, columns, lines, options);
  const { before = [], beforeBegin = [], duplicates } = options;
  const load = loadStatement(table, columns, duplicates);
  const result = (await transaction.run([...before, load], { beforeBegin, body: lines.chunks })).at(-1);
  if (!result) throw bug('LOAD DATA returned no result');
  // The text is in the server's language, but the numbers have the same order in each.
  const [records = 0, deleted = 0, skipped = 0] = [...result.info.matchAll(/\d+/g)].map(Number);
  await requireKept(transaction, result, skipped);
  if (records !== lines.count) throw linesDiffer(records, lines.count);
  return { deleted };
}

function loadStatement(table: string, columns: readonly LoadColumn[], duplicates: Duplicates): string {
  const fields = columns.map(({ name, form }, index) =>
    form === 'text' ? quoteBacktick(name) : `@idra${index}`,
  );
  const sets = columns.flatMap(({ name, form }, index) =>
    form === 'text' ? [] : [`${quoteBacktick(name)} = ${fromVariable(`@idra${index}`, form)}`],
  );
  return [
    `LOAD DATA LOCAL INFILE 'rows' ${duplicates} INTO TABLE ${table} CHARACTER SET utf8mb4`,
    String.raw`FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES TERMINATED BY '\n' STARTING BY ''`,
    `(${fields.join(', ')})`,
    sets.length > 0 ? `SET ${sets.join(', ')}` : '',
  ].join(' ');
}

function fromVariable(variable: string, form: Form): string {
  if (form === 'hex') return `UNHEX(${variable})`;
  if (form === 'bits') return `CAST(CONV(${variable}, 2, 10) AS UNSIGNED)`;
  const [written, exact] = largestFloat;
  return `CASE ${variable} WHEN '${written}' THEN '${exact}' WHEN '-${written}' THEN '-${exact}' ELSE ${variable} END`;
}

/**
 * Throws RowError if a statement changed or skipped a row and only warned about it. Warnings that are not about a row (for example, an
 * unsafe statement in the binary log) are ignored.
 */
export async function requireKept(
  transaction: WriteTransaction,
  result: Result,
  skipped: number,
): Promise<void> {
  if (result.warnings === 0 && skipped === 0) return;
  const [shown] = await transaction.run(['SHOW WARNINGS']);
  const warnings = shown?.rows ?? [];
  const [, code, message] = warnings.find((row) => isRowError(Number(row[1]))) ?? [];
  if (code !== undefined) throw new RowError(Number(code), String(message));
  if (skipped > 0 || warnings.length < result.warnings) {
    const [, first, text] = warnings[0] ?? [];
    throw new RowError(Number(first ?? 0), String(text ?? ''));
  }
}

/** The lines may have been sent unchanged by a source. */
function linesDiffer(found: number, expected: number): Error {
  return rowsBroken(`${found} lines for a batch of ${expected} rows`);
}

/** For servers without LOAD DATA LOCAL: many rows per statement. */
async function insertLines(
  { transaction, facts }: Loader,
  table: string,
  columns: readonly LoadColumn[],
  lines: Lines,
  { before = [], beforeBegin = [], duplicates }: LoadOptions,
): Promise<{ readonly deleted: number }> {
  const names = columns.map(({ name }) => quoteBacktick(name)).join(', ');
  const head = `${duplicates === 'REPLACE' ? 'REPLACE' : 'INSERT'} INTO ${table} (${names}) VALUES `;
  const limit = Math.min(insertBytes, facts.maxPacketBytes / 2);
  let affected = 0;
  let prefix = before;
  for (const values of groupsOf(lines, columns, limit)) {
    const result = (await transaction.run([...prefix, head + values], { beforeBegin })).at(-1);
    prefix = [];
    if (result) await requireKept(transaction, result, 0);
    affected += result?.affected ?? 0;
  }
  return { deleted: affected - lines.count };
}

function* groupsOf(lines: Lines, columns: readonly LoadColumn[], limit: number): Generator<string> {
  let group = '';
  let count = 0;
  for (const line of linesOf(lines)) {
    const values = rowLiteral(line, columns);
    count += 1;
    if (group !== '' && group.length + values.length > limit) {
      yield group;
      group = '';
    }
    group += group === '' ? values : `,${values}`;
  }
  if (count !== lines.count) throw linesDiffer(count, lines.count);
  if (group !== '') yield group;
}
