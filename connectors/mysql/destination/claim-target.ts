import type { WritePlan } from '../../../core/connector.ts';
import { permanent, schemaChanged } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Relation } from '../../../core/values.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { addColumns, type CollationOf, createTable } from './ddl.ts';
import { TargetShape } from './target-shape.ts';

const path = 'spec.destination.table';

/** The target as it was planned: made or given its new columns where it must be. Throws SchemaChanged when it is another by now. */
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
  const target = await TargetShape.look(session, name, path, signal);
  if (!target) throw permanent('TableNotFound', `${quoteName(name)} is missing`, { path });
  if (plan.existing) requireShape(plan.existing, withoutAdded(target.relation, plan));
  return target;
}

/** Somebody else has made it since it was planned: what is there now was not planned for. */
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

function withoutAdded(relation: Relation, plan: WritePlan): Relation {
  const added = new Set(
    plan.columns.columns.filter((each) => each.existing === null).map((each) => each.name),
  );
  return { ...relation, columns: relation.columns.filter((column) => !added.has(column.name)) };
}
