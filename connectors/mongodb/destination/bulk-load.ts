import { createRequire } from 'node:module';
import type { ClientSession, Document } from 'mongodb';
import { z } from 'zod';
import type { Session } from '../session.ts';

/** The driver's section of a message with documents behind each other; they are given to it as bytes. */
interface DocumentSequence {
  push(document: object, bytes: Uint8Array): number;
}
const { DocumentSequence: Sequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  readonly DocumentSequence: new (field: string) => DocumentSequence;
};

/** A statement of a bulk command, as BSON, and the row that it is for. */
export interface Statement {
  readonly bytes: Buffer;
  readonly row: number;
}

export type BulkCommand = 'insert' | 'update' | 'delete';

const fields: Readonly<Record<BulkCommand, string>> = {
  insert: 'documents',
  update: 'updates',
  delete: 'deletes',
};
/** A message may be larger by what is around the statements. */
const messageShare = 0.75;
const bulkMs = 5 * 60_000;

const writeError = z.object({ index: z.number().int(), code: z.coerce.number().int() });
const answer = z.object({
  n: z.coerce.number(),
  nModified: z.coerce.number().optional(),
  upserted: z.array(z.unknown()).optional(),
  writeErrors: z.array(writeError).optional(),
  writeConcernError: z.object({ code: z.coerce.number(), errmsg: z.string().optional() }).optional(),
});

export interface BulkResult {
  /** Documents found or inserted. */
  readonly count: number;
  readonly modified: number;
  readonly inserted: number;
  /** Rows that were refused. In a transaction the first one ends it. */
  readonly refused: readonly { readonly row: number; readonly code: number }[];
}

const nothing: BulkResult = { count: 0, modified: 0, inserted: 0, refused: [] };

export interface BulkTarget {
  readonly session: Session;
  readonly collection: string;
  /** Undefined: no transaction. */
  readonly client: ClientSession | undefined;
}

/** Runs the statements in as few messages as the server allows. Stops after the first message with a refused row in a transaction. */
export async function runBulk(
  { session, collection, client }: BulkTarget,
  command: BulkCommand,
  statements: readonly Statement[],
): Promise<BulkResult> {
  let result = nothing;
  for (const part of partsOf(statements, session.facts)) {
    const sequence = new Sequence(fields[command]);
    for (const { bytes } of part) sequence.push({}, bytes);
    const body: Document = {
      [command]: collection,
      ordered: client !== undefined,
      maxTimeMS: bulkMs,
      [fields[command]]: sequence,
    };
    if (!client) body.writeConcern = { w: 'majority', j: true };
    const said = answer.parse(await session.database.command(body, client ? { session: client } : {}));
    if (said.writeConcernError) throw writeConcernFailed(said.writeConcernError);
    const refused = (said.writeErrors ?? []).map(({ index, code }) => ({ row: part[index]?.row ?? 0, code }));
    const inserted = command === 'insert' ? said.n : (said.upserted?.length ?? 0);
    result = {
      count: result.count + said.n,
      modified: result.modified + (said.nModified ?? 0),
      inserted: result.inserted + inserted,
      refused: [...result.refused, ...refused],
    };
    if (client && refused.length > 0) return result;
  }
  return result;
}

function* partsOf(
  statements: readonly Statement[],
  { maxWrites, maxMessageBytes }: Session['facts'],
): Generator<readonly Statement[], void> {
  const mostBytes = maxMessageBytes * messageShare;
  let part: Statement[] = [];
  let bytes = 0;
  for (const statement of statements) {
    if (part.length > 0 && (part.length >= maxWrites || bytes + statement.bytes.length > mostBytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(statement);
    bytes += statement.bytes.length;
  }
  if (part.length > 0) yield part;
}

function writeConcernFailed({
  code,
  errmsg = '',
}: {
  readonly code: number;
  readonly errmsg?: string | undefined;
}): Error {
  return Object.assign(new Error(`the write is not durable on a majority: ${errmsg}`), {
    code: `WRITE_CONCERN_${code}`,
  });
}
