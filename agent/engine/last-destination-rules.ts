import { type PlannedColumn, type TypeTable, textOrder } from '../../core/column-plan.ts';
import type { Finding } from '../../core/errors.ts';
import { isLastDestination, type SyncSpec } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';

export interface LastDestinationInput {
  readonly spec: SyncSpec;
  readonly relation: Relation;
  readonly planned: readonly PlannedColumn[];
  readonly isSameSystem: boolean;
  readonly types: Readonly<Record<'source' | 'destination', Pick<TypeTable, 'orderOf'>>>;
  /** The columns to page by, besides a timestampField. */
  readonly order: readonly string[];
}

/** LastDestination* compare the destination's largest value with the source's, so the value must be stored unchanged. */
export function lastDestinationFindings(
  input: LastDestinationInput,
  name: 'idField' | 'timestampField',
): Finding[] {
  const { spec, relation, planned } = input;
  if (!isLastDestination(spec)) return [];
  const field = spec.source[name];
  const column = relation.columns.find((each) => each.name === field);
  const travels = planned.find((each) => each.source.name === field);
  const target = travels?.existing;
  if (!column) return [];
  const isSame =
    !travels ||
    (hasSameOrder(travels, input) &&
      (target ? isSameOrder(column, target) : isSameTextOrder(travels, input)));
  if (isSame) return lastDestinationKeyFindings(input, field);
  return [
    {
      severity: 'error',
      code: 'DestinationFieldDiffers',
      path: 'spec.mode',
      message: `${column.name} is ${orderedAs(target ?? { nativeType: travels?.ddl ?? '' })} at the destination and ${orderedAs(column)} at the source: its largest value there does not identify a position in the source`,
      fix: 'give both the same type, precision and collation, or use mode Id or Timestamp',
    },
  ];
}

/** Among rows with the largest value of the field, the last one is found by key order, which must be the same at both ends. */
function lastDestinationKeyFindings(input: LastDestinationInput, field: string | undefined): Finding[] {
  const others = input.planned.filter(
    ({ source }) => input.order.includes(source.name) && source.name !== field,
  );
  return others
    .filter((each) => !hasSameOrder(each, input) || (isText(each) && !isSameTextOrder(each, input)))
    .map(({ name, source, existing, ddl }) => ({
      severity: 'error',
      code: 'DestinationFieldDiffers',
      path: 'spec.mode',
      message: `key column ${name} is ordered by ${orderNamed(existing ?? { nativeType: ddl }, input.types.destination)} at the destination and by ${orderNamed(source, input.types.source)} at the source: the last row with the largest ${field} may be a different one`,
      fix: 'give both the same type and collation, name another key in source.key, or use mode Id or Timestamp',
    }));
}

function isText({ source }: PlannedColumn): boolean {
  return source.type.kind === 'text';
}

/** Numbers, enumerations and times that are kept as texts are sorted as texts. UUIDs have one spelling, which is sorted as their bytes. */
function hasSameOrder(planned: PlannedColumn, { types }: LastDestinationInput): boolean {
  const { source, existing, ddl } = planned;
  const there = types.destination.orderOf(existing?.nativeType ?? ddl);
  if (there === textOrder && isText(planned)) return true;
  const here = types.source.orderOf(source.nativeType);
  if (there === textOrder && source.type.kind === 'uuid') return here === undefined;
  return here === there;
}

function orderNamed(
  { nativeType, collation }: Pick<Column, 'nativeType' | 'collation'>,
  { orderOf }: Pick<TypeTable, 'orderOf'>,
): string {
  return collation ?? orderOf(nativeType) ?? 'its value';
}

function orderedAs({ nativeType, collation }: Pick<Column, 'nativeType' | 'collation'>): string {
  return collation === undefined ? nativeType : `${nativeType} in the order of ${collation}`;
}

/** A column that is yet to be created keeps a collation only if both systems are of the same kind. */
function isSameTextOrder(
  { source, existing, isComparedAsBytes }: PlannedColumn,
  input: LastDestinationInput,
): boolean {
  if (existing) return existing.type.kind !== 'text' || source.collation === existing.collation;
  const keepsCollation = !isComparedAsBytes && input.isSameSystem;
  return source.collation === undefined || keepsCollation;
}

function isSameOrder(source: Column, target: Column): boolean {
  const [one, other] = [source.type, target.type];
  if (one.kind !== other.kind || source.collation !== target.collation) return false;
  if (one.kind === 'timestamp' && other.kind === 'timestamp')
    return one.precision <= other.precision && one.hasZone === other.hasZone;
  return true;
}
