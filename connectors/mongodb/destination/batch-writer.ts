import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { nameRow } from '../../../core/row-name.ts';
import { namedAs } from '../../sql/destination/refused-row.ts';
import { code, rowErrorOf } from '../errors.ts';
import { documentValue, fieldOf } from '../types/format.ts';
import { keyText } from '../types/key-text.ts';
import { type EncodedRows, RowMisfit } from '../types/row-encoder.ts';
import { type BulkCommand, type BulkResult, type BulkTarget, runBulk, type Statement } from './bulk-load.ts';
import { idName } from './document-keys.ts';

/** `insert` fails for a row whose key exists. */
export type WriteStrategy = 'insert' | 'upsert';

export interface Written {
  readonly written: number;
  readonly deleted: number;
  /** Documents that the collection did not have before. */
  readonly inserted: number;
  readonly rejections: readonly RowRejection[];
}

export interface RowRejection extends Rejection {
  readonly index: number;
  readonly serverCode?: number;
}

/** The last change of each key, in order; all rows without a key. */
export function lastChanges(
  rows: EncodedRows,
  hasKeys: boolean,
  skipped: ReadonlySet<number>,
): readonly number[] {
  const all = Array.from({ length: rows.count }, (_, row) => row).filter((row) => !skipped.has(row));
  if (!hasKeys) return all;
  const last = new Map<string, number>();
  for (const row of all) {
    const key = rows.keyOf(row);
    last.delete(key);
    last.set(key, row);
  }
  return [...last.values()];
}

/** Rows that MongoDB has no type for, or no room, before anything is sent: servers end the connection that brings too much. */
export function misfitsOf(
  rows: EncodedRows,
  {
    plan,
    hasKeys,
    strategy,
    maxDocumentBytes,
  }: {
    readonly plan: WritePlan;
    readonly hasKeys: boolean;
    readonly strategy: WriteStrategy;
    readonly maxDocumentBytes: number;
  },
): readonly RowRejection[] {
  const rejections: RowRejection[] = [];
  for (let row = 0; row < rows.count; row++) {
    try {
      if (hasKeys) rows.keyOf(row);
      if (rows.isDeletion(row)) continue;
      const { length } = strategy === 'insert' ? rows.document(row) : rows.upsert(row);
      const isTooLarge = length > maxDocumentBytes && rows.document(row).length > maxDocumentBytes;
      if (isTooLarge) rejections.push(rejectionOf(rows, row, code.documentTooLarge, plan));
    } catch (thrown) {
      if (!(thrown instanceof RowMisfit)) throw thrown;
      const named = namedAs(nameOf(rows, row, plan));
      rejections.push({
        code: 'ValueNotKept',
        column: thrown.column,
        message: thrown.message,
        index: row,
        ...named,
      });
    }
  }
  return rejections;
}

/** Writes these rows. A refused row is in the result; in a transaction nothing may be committed then. */
export async function putRows(
  target: BulkTarget,
  rows: EncodedRows,
  indexes: readonly number[],
  { strategy, plan }: { readonly strategy: WriteStrategy; readonly plan: WritePlan },
): Promise<Written> {
  const kept = indexes.filter((row) => !rows.isDeletion(row));
  const deleted = indexes.filter((row) => rows.isDeletion(row));
  const of = (list: readonly number[], encode: (row: number) => Buffer): Statement[] =>
    list.map((row) => ({ row, bytes: encode(row) }));
  const isSoft = plan.deletes === 'Soft';
  // First, because a unique index may allow a value in one document only. No key is in both lists.
  const gone = await bulk(
    target,
    isSoft ? 'update' : 'delete',
    of(deleted, (row) => rows.deletion(row)),
  );
  const isInsert = strategy === 'insert';
  const put =
    gone.refused.length > 0 && target.client
      ? nothing
      : await bulk(
          target,
          isInsert ? 'insert' : 'update',
          of(kept, (row) => (isInsert ? rows.document(row) : rows.upsert(row))),
        );
  const refused = [...gone.refused, ...put.refused];
  return {
    written: kept.length - put.refused.length,
    deleted: isSoft ? gone.modified : gone.count,
    inserted: put.inserted,
    rejections: refused.map(({ row, code: given }) => rejectionOf(rows, row, given, plan)),
  };
}

const nothing: BulkResult = { count: 0, modified: 0, inserted: 0, refused: [] };

async function bulk(
  target: BulkTarget,
  command: BulkCommand,
  statements: readonly Statement[],
): Promise<BulkResult> {
  return statements.length === 0 ? nothing : await runBulk(target, command, statements);
}

function rejectionOf(rows: EncodedRows, row: number, given: number, plan: WritePlan): RowRejection {
  const known = rowErrorOf(given) ?? {
    code: 'ServerError' as const,
    message: `the server refuses the document (code ${given})`,
  };
  return { ...known, index: row, serverCode: given, ...namedAs(nameOf(rows, row, plan)) };
}

export function isDuplicate({ serverCode }: RowRejection): boolean {
  return serverCode === code.duplicateKey;
}

/** Only its key. */
function nameOf(rows: EncodedRows, row: number, { key, redactsKeys }: WritePlan): string | undefined {
  try {
    const document = documentValue(Buffer.from(rows.document(row)));
    const columns = key.length > 0 ? key : [idName];
    const values = columns.map((name) => {
      const value = fieldOf(document, name);
      const type = value?.type === 2 ? ('text' as const) : ('int' as const);
      return value
        ? keyText(value, { name, type: type === 'text' ? { kind: type } : { kind: type, bits: 64 } })
        : null;
    });
    return nameRow({ columns, values }, redactsKeys);
  } catch {
    return undefined;
  }
}
