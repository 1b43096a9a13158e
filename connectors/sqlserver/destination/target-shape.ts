import type { WritePlan } from '../../../core/connector.ts';
import { permanent, schemaChanged } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Relation } from '../../../core/values.ts';
import { withoutAdded } from '../../sql/destination/added-columns.ts';
import {
  describeTable,
  destinationFindings,
  ignoringIndexes,
  insteadOfTriggers,
  type TableEntry,
} from '../describe.ts';
import { errorNumbers, numberOf } from '../errors.ts';
import { isUnchanged } from '../fingerprint.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { addColumns, type CollationOf, createTable } from './ddl.ts';

const path = 'spec.destination.table';

/** What a batch answers if the table is not the claimed one. */
export const shapeDiffers = -1;

/** A table that rows are written to, and how each transaction checks that it is still the table that was claimed. */
export class TargetShape {
  readonly entry: TableEntry;
  /** Rolls back, answers `shapeDiffers` and ends the batch if the table is another one. */
  readonly requireSql: string;

  constructor(entry: TableEntry) {
    this.entry = entry;
    const id = entry.relation.identity ?? 'NULL';
    const isPlain = [insteadOfTriggers(id), ignoringIndexes(id)]
      .map((each) => `NOT EXISTS (SELECT 1 FROM ${each})`)
      .join(' AND ');
    this.requireSql = `IF NOT (${isUnchanged(entry)} AND ${isPlain}) BEGIN IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SELECT ${shapeDiffers}; RETURN END`;
  }

  /** Undefined if the table does not exist. */
  static async read(
    session: Session,
    name: TableName,
    signal?: AbortSignal,
  ): Promise<TargetShape | undefined> {
    const entry = await describeTable(session, name, path, signal);
    if (!entry) return undefined;
    const [fault] = destinationFindings(entry);
    if (fault) throw permanent(fault.code, fault.message, fault);
    return new TargetShape(entry);
  }

  get relation(): Relation {
    return this.entry.relation;
  }

  /** Throws SchemaChanged if the table was changed, replaced or dropped. */
  async requireStill(session: Session): Promise<void> {
    const { relation, name } = this.entry;
    const entry = await describeTable(session, name, path);
    requireShape(relation, entry?.relation ?? null);
    if (entry?.traits.replacesStatements || entry?.traits.ignoresDuplicates)
      throw schemaChanged(relation.name);
  }
}

/** What is claimed: the plan's table, under this name. */
export interface Claiming {
  readonly plan: WritePlan;
  readonly name: TableName;
  readonly collationOf: CollationOf;
}

/** Returns the target as planned, after creating it or adding columns where needed. Throws SchemaChanged if it differs by now. */
export async function claimTarget(
  session: Session,
  { plan, name, collationOf }: Claiming,
  signal: AbortSignal,
): Promise<TargetShape> {
  if (plan.existing === null) await makeOnce(session, createTable(plan, name, collationOf), name, signal);
  const added = addColumns(plan, name, collationOf);
  if (added !== undefined) {
    const before = await TargetShape.read(session, name, signal);
    requireShape(plan.existing as Relation, before?.relation ?? null);
    await makeOnce(session, added, name, signal);
  }
  const target = await TargetShape.read(session, name, signal);
  if (plan.existing) requireShape(plan.existing, target ? withoutAdded(target.relation, plan) : null);
  if (!target) throw permanent('TableNotFound', `${quoteName(name)} is missing`, { path });
  return target;
}

/** Somebody else created the table after planning, so the plan does not apply to it. */
async function makeOnce(session: Session, sql: string, name: TableName, signal: AbortSignal): Promise<void> {
  await session.guard(async () => {
    try {
      await session.run(sql);
    } catch (thrown) {
      const number = numberOf(thrown);
      const isThere = number === errorNumbers.objectExists || number === errorNumbers.duplicateColumn;
      throw isThere ? schemaChanged(quoteName(name)) : thrown;
    }
  }, signal);
}
