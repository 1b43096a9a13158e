import type { ColumnPlan } from '../../core/column-plan.ts';
import type { Finding } from '../../core/errors.ts';
import { columnRemedy } from '../../core/nearest.ts';
import { objectPath } from '../../core/sync-spec.ts';
import type { Relation, UniqueKey } from '../../core/values.ts';
import { coarserKeys } from './coarser-keys.ts';
import { missingField } from './field-rules.ts';
import type { KeyInput } from './key-input.ts';
import { isOpaque } from './read-order.ts';

/** Whether keys exist where a mode or write mode needs them. Pure. */
export function keyFindings(input: KeyInput): Finding[] {
  return [
    ...sourceKeyFindings(input),
    ...destinationKeyFindings(input),
    ...coarserKeys(input),
    ...travelFindings(input),
  ];
}

function sourceKeyFindings({ spec, relation, sourceKey, sourceTypes, remedies }: KeyInput): Finding[] {
  const findings = (spec.source.key ?? [])
    .filter((name) => !hasColumn(relation, name))
    .map((name) => missingField(relation, name, 'spec.source.key'));
  // A log is not paged by its key.
  if (spec.mode === 'Stream') return findings;
  const columns = relation.columns.filter((column) => sourceKey.includes(column.name));
  const nullable = columns.filter((column) => column.isNullable).map((column) => column.name);
  const { key, columnsField, requireValues } = remedies.source;
  if (nullable.length > 0 && !isOpaque(spec, relation)) {
    findings.push({
      severity: 'error',
      code: 'KeyNullable',
      path: 'spec.source.key',
      message: `key column ${nullable.join(', ')} of ${relation.name} may be NULL: such rows cannot be ordered`,
      fix: `${requireValues(nullable)}, or name other columns in source.key`,
    });
  }
  for (const column of columns) {
    const why = sourceTypes.keyRefusal(column);
    if (why === undefined) continue;
    findings.push({
      severity: 'error',
      code: 'KeyNotOrdered',
      path: 'spec.source.key',
      message: `key column ${column.name} of ${relation.name} is ${column.nativeType}, and rows cannot be paged by it: ${why}`,
      fix: `name other columns in source.key, or cast it in ${columnsField}`,
    });
  }
  if (spec.mode.endsWith('Timestamp') && sourceKey.length === 0) {
    findings.push({
      severity: 'error',
      code: 'KeyMissing',
      path: 'spec.source.key',
      message: `${relation.name} has no ${key}: rows with equal timestamps cannot be distinguished`,
      fix: 'name the columns that identify a row in source.key',
    });
  }
  return findings;
}

function destinationKeyFindings(input: KeyInput): Finding[] {
  const { spec, existing, key, columns } = input;
  const unknown = key.filter((name) => !isPlanned(columns, name) && !columns.refused.includes(name));
  if (spec.destination.key && unknown.length > 0) {
    return [
      {
        severity: 'error',
        code: 'KeyNotWritten',
        path: 'spec.destination.key',
        message: `key column ${unknown.join(', ')} is not copied`,
        fix: columnRemedy(
          unknown[0],
          columns.columns.map((each) => each.name),
          'The copied columns are',
        ),
      },
    ];
  }
  if (spec.writeMode === 'Upsert') return upsertFindings(input);
  const isHistory = spec.writeMode === 'Append' && spec.mode.endsWith('Timestamp');
  const conflicting = isHistory
    ? existing?.keys.find((each) => each.columns.every((name) => key.includes(name)))
    : undefined;
  if (!conflicting) return [];
  return [
    {
      severity: 'error',
      code: 'HistoryNeedsNoKey',
      path: 'spec.writeMode',
      message: `Append by timestamp writes a row for each version, and ${conflicting.name} of ${existing?.name} allows only one`,
      fix: 'use Upsert, or a destination table without that key',
    },
  ];
}

function upsertFindings(input: KeyInput): Finding[] {
  return [...uniqueKeyFindings(input), ...neverUpdated(input)];
}

/** A row that changes at the source would keep its first value in such a column. */
function neverUpdated({ spec, existing, key, columns, remedies }: KeyInput): Finding[] {
  const fixed = columns.columns.filter((each) => each.existing?.isNeverUpdated && !key.includes(each.name));
  return fixed.map(({ name }) => ({
    severity: 'error' as const,
    code: 'ColumnNotUpdated',
    path: objectPath('destination', spec.destination),
    message: `column ${name} of ${existing?.name} can only be set on insert, so an upsert cannot update it`,
    fix: `${remedies.destination.allowUpdates(existing?.name ?? '', name)}, or leave the column out in ${remedies.source.columnsField}`,
  }));
}

function uniqueKeyFindings({ existing, key, relation, remedies }: KeyInput): Finding[] {
  if (key.length === 0) {
    return [
      {
        severity: 'error',
        code: 'KeyMissing',
        path: 'spec.destination.key',
        message: `Upsert needs a key and ${relation.name} has no ${remedies.source.key}`,
        fix: 'name the columns in destination.key (and source.key), or use Append',
      },
    ];
  }
  const same = existing?.keys.filter((each) => isSameSet(each, key)) ?? [];
  // Who has neither columns nor keys of its own knows the key only from the rows.
  const isOpen = existing?.hasOpenColumns === true && existing.keys.length === 0;
  if (!existing || existing.takesAnyKey || isOpen || same.some((each) => !each.isDeferrable)) return [];
  const [deferrable] = same;
  const list = key.join(', ');
  return [
    {
      severity: 'error',
      code: 'NoUniqueIndex',
      path: 'spec.destination.key',
      message: deferrable
        ? `${deferrable.name} of ${existing.name} (${list}) is deferrable, and an upsert cannot use such a key`
        : `${existing.name} has no unique key on (${list})`,
      fix: `create one: ${remedies.destination.uniqueKey(existing.name, key)}`,
    },
  ];
}

/** Paging uses these columns of the last row, so they must be among the copied columns. */
function travelFindings({ spec, relation, sourceKey, columns }: KeyInput): Finding[] {
  if (spec.mode === 'Stream') return [];
  const paged = [...sourceKey, spec.source.idField, spec.source.timestampField].filter(
    (name) => name !== undefined,
  );
  const missing = paged.filter(
    (name) =>
      hasColumn(relation, name) &&
      !columns.refused.includes(name) &&
      !columns.columns.some((each) => each.source.name === name),
  );
  if (missing.length === 0) return [];
  return [
    {
      severity: 'error',
      code: 'KeyNotWritten',
      path: 'spec.schemaChanges',
      message: `column ${missing.join(', ')} holds the position of a pass and is not written to the destination`,
      fix: 'add the column to the destination table, or set schemaChanges to AddColumns',
    },
  ];
}

function isSameSet(unique: UniqueKey, key: readonly string[]): boolean {
  return unique.columns.length === key.length && unique.columns.every((name) => key.includes(name));
}

function isPlanned(columns: ColumnPlan, name: string): boolean {
  return columns.columns.some((each) => each.name === name);
}

function hasColumn(relation: Relation, name: string): boolean {
  return relation.columns.some((column) => column.name === name);
}
