import type { ColumnPlan, TypeTable } from '../../core/column-plan.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';

/** Input of the rules about keys. */
export interface KeyInput {
  readonly spec: SyncSpec;
  readonly relation: Relation;
  readonly existing: Relation | null;
  /** What identifies a row of the source; may be empty. */
  readonly sourceKey: readonly string[];
  /** The same at the destination. */
  readonly key: readonly string[];
  readonly columns: ColumnPlan;
  /** TypeTable of the source. */
  readonly sourceTypes: Pick<TypeTable, 'keyRefusal'>;
  readonly isSameSystem: boolean;
  readonly remedies: { readonly source: Remedies; readonly destination: Remedies };
}
