import type { WritePlan } from '../../../core/connector.ts';
import { permanent, schemaChanged } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Relation } from '../../../core/values.ts';
import { withoutAdded } from '../../sql/destination/added-columns.ts';
import type { Result } from '../connection/statements.ts';
import { describeTable, destinationFindings, type TableEntry } from '../describe.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import { catalogueStatement, fingerprintOf } from '../fingerprint.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';
import { addColumns, type CollationOf, createTable } from './ddl.ts';
import { plainTable } from './own-tables.ts';

const path = 'spec.destination.table';

/** A table that rows are written to, and how each transaction checks that it is still the table that was claimed. */
export class TargetShape {
  readonly entry: TableEntry;
  /**
   * Take the table's metadata lock until the transaction ends, and report its shape: nobody can change it between these statements and
   * COMMIT.
   */
  readonly statements: readonly string[];
  #fingerprint: string;

  private constructor(entry: TableEntry, statements: readonly string[], fingerprint: string) {
    this.entry = entry;
    this.statements = statements;
    this.#fingerprint = fingerprint;
  }

  /** Undefined if the table does not exist. */
  static async read(
    session: Session,
    name: TableName,
    path: string,
    signal: AbortSignal,
  ): Promise<TargetShape | undefined> {
    const found = await describeTable(session, name, path, signal);
    if (!found) return undefined;
    const [fault] = destinationFindings(found);
    if (fault) throw permanent(fault.code, fault.message, fault);
    const catalogue = await catalogueStatement(session, found.name, signal);
    const statements = [lockStatement(found.name), catalogue, createdStatement(found.name)];
    const begun = ['START TRANSACTION', ...statements].join('; ');
    try {
      const reported = (await session.guard(() => session.run(begun), signal)).slice(1);
      const entry = await describeTable(session, name, path, signal);
      return entry && new TargetShape(entry, statements, fingerprintOf(reported));
    } finally {
      if (!session.isLost) await session.guard(() => session.run('ROLLBACK'), signal);
    }
  }

  get relation(): Relation {
    return this.entry.relation;
  }

  /** Checks the answers to `statements`, within the transaction that still holds the lock. Throws SchemaChanged. */
  async requireSame(session: Session, reported: readonly Result[]): Promise<void> {
    const fingerprint = fingerprintOf(reported);
    if (fingerprint === this.#fingerprint) return;
    // A table that was dropped and created again has lost its rows, even if it has the same shape.
    const isSameTable = createdAt(fingerprint) === createdAt(this.#fingerprint);
    const now = await describeTable(session, this.entry.name, path);
    requireShape(this.relation, now?.relation ?? null);
    if (!isSameTable) throw schemaChanged(this.relation.name);
    this.#fingerprint = fingerprint;
  }

  /** Call after an error. Throws SchemaChanged if the table was replaced or dropped. */
  async requireStill(session: Session): Promise<void> {
    const now = await describeTable(session, this.entry.name, path);
    requireShape(this.relation, now?.relation ?? null);
  }
}

/** Returns the target as planned, after creating it or adding columns where needed. Throws SchemaChanged if it differs by now. */
export async function claimTarget(
  session: Session,
  plan: WritePlan,
  name: TableName,
  collationOf: CollationOf,
  signal: AbortSignal,
): Promise<TargetShape> {
  if (plan.existing === null) await makeOnce(session, createTable(plan, name, collationOf), name, signal);
  const added = addColumns(plan, name, collationOf);
  if (added !== undefined) await makeOnce(session, added, name, signal);
  const target = await TargetShape.read(session, name, path, signal);
  if (!target) throw permanent('TableNotFound', `${quoteName(name)} is missing`, { path });
  if (plan.existing) requireShape(plan.existing, withoutAdded(target.relation, plan));
  return target;
}

/** Somebody else created the table after planning, so the plan does not apply to it. */
async function makeOnce(session: Session, sql: string, name: TableName, signal: AbortSignal): Promise<void> {
  await session.guard(async () => {
    try {
      await session.run(sql);
    } catch (thrown) {
      const isThere = [errorNumbers.tableExists, errorNumbers.duplicateColumn].some(
        (each) => each === errnoOf(thrown),
      );
      throw isThere ? schemaChanged(quoteName(name)) : thrown;
    }
  }, signal);
}

/**
 * Takes the lock that a write takes, so that it need not be upgraded later, which a waiting ALTER would prevent. While it is held, no
 * view can take the table's name.
 */
function lockStatement(name: TableName): string {
  return `SELECT 1 FROM ${quoteName(name)} ${plainTable.withoutKey} LIMIT 0 FOR UPDATE`;
}

function createdStatement({ schema, table }: TableName): string {
  return `SELECT CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)}`;
}

function createdAt(fingerprint: string): string {
  return JSON.stringify((JSON.parse(fingerprint) as unknown[]).at(-1));
}
