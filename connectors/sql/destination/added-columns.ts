import type { WritePlan } from '../../../core/connector.ts';
import type { Relation } from '../../../core/values.ts';

/** The table as it was before the claim added the plan's columns to it. */
export function withoutAdded(relation: Relation, plan: WritePlan): Relation {
  const added = new Set(
    plan.columns.columns.filter((each) => each.existing === null).map((each) => each.name),
  );
  return { ...relation, columns: relation.columns.filter((column) => !added.has(column.name)) };
}
