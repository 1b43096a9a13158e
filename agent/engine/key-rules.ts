import type { PlannedColumn } from '../../core/column-plan.ts';
import type { Finding } from '../../core/errors.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Relation, UniqueKey } from '../../core/values.ts';
import { missingField } from './field-rules.ts';

export interface KeyInput {
  readonly spec: SyncSpec;
  readonly relation: Relation;
  readonly existing: Relation | null;
  /** What identifies a row of the source; may be empty. */
  readonly sourceKey: readonly string[];
  /** The same at the destination. */
  readonly key: readonly string[];
  readonly planned: readonly PlannedColumn[];
}

/** Whether keys are there where a mode or write mode needs them. Pure. */
export function keyFindings(input: KeyInput): Finding[] {
  return [...sourceKeyFindings(input), ...destinationKeyFindings(input), ...travelFindings(input)];
}

function sourceKeyFindings({ spec, relation, sourceKey }: KeyInput): Finding[] {
  const findings = (spec.source.key ?? [])
    .filter((name) => !hasColumn(relation, name))
    .map((name) => missingField(relation, name, 'spec.source.key'));
  const nullable = sourceKey.filter((name) =>
    relation.columns.some((column) => column.name === name && column.isNullable),
  );
  if (nullable.length > 0 && !spec.source.query) {
    findings.push({
      severity: 'error',
      code: 'KeyNullable',
      path: 'spec.source.key',
      message: `key column ${nullable.join(', ')} of ${relation.name} may be NULL: such rows have no place in the order`,
      mend: 'make it NOT NULL, or name other columns in source.key',
    });
  }
  if (spec.mode.endsWith('Timestamp') && sourceKey.length === 0) {
    findings.push({
      severity: 'error',
      code: 'KeyMissing',
      path: 'spec.source.key',
      message: `${relation.name} has no primary key and no NOT NULL unique index: rows of equal timestamps could not be told apart`,
      mend: 'name the columns that identify a row in source.key',
    });
  }
  return findings;
}

function destinationKeyFindings(input: KeyInput): Finding[] {
  const { spec, existing, key, planned } = input;
  const unknown = key.filter((name) => !planned.some((each) => each.name === name));
  if (spec.destination.key && unknown.length > 0) {
    return [
      {
        severity: 'error',
        code: 'KeyNotWritten',
        path: 'spec.destination.key',
        message: `key column ${unknown.join(', ')} is not among the columns that travel`,
        mend: `they are: ${planned.map((each) => each.name).join(', ')}`,
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
      message: `Append by timestamp writes a row for each version, and ${conflicting.name} of ${existing?.name} allows one`,
      mend: 'use Upsert, or a destination table without that key',
    },
  ];
}

function upsertFindings({ existing, key, relation }: KeyInput): Finding[] {
  if (key.length === 0) {
    return [
      {
        severity: 'error',
        code: 'KeyMissing',
        path: 'spec.destination.key',
        message: `Upsert needs a key and ${relation.name} has no primary key and no NOT NULL unique index`,
        mend: 'name the columns in destination.key (and source.key), or use Append',
      },
    ];
  }
  if (!existing || existing.keys.some((each) => isSameSet(each, key))) return [];
  return [
    {
      severity: 'error',
      code: 'NoUniqueIndex',
      path: 'spec.destination.key',
      message: `${existing.name} has no primary key or unique index on (${key.join(', ')})`,
      mend: `create one: CREATE UNIQUE INDEX ON ${existing.name} (${key.join(', ')})`,
    },
  ];
}

/** Paging looks at these columns of the last row, so they must be among those that travel. */
function travelFindings({ spec, relation, sourceKey, planned }: KeyInput): Finding[] {
  const paged = [...sourceKey, spec.source.idField, spec.source.timestampField].filter(
    (name) => name !== undefined,
  );
  const missing = paged.filter(
    (name) => hasColumn(relation, name) && !planned.some((each) => each.source.name === name),
  );
  if (missing.length === 0) return [];
  return [
    {
      severity: 'error',
      code: 'KeyNotWritten',
      path: 'spec.schemaChanges',
      message: `column ${missing.join(', ')} says how far a pass has read and is not written to the destination`,
      mend: 'add the column to the destination table, or set schemaChanges to AddColumns',
    },
  ];
}

function isSameSet(unique: UniqueKey, key: readonly string[]): boolean {
  return unique.columns.length === key.length && unique.columns.every((name) => key.includes(name));
}

function hasColumn(relation: Relation, name: string): boolean {
  return relation.columns.some((column) => column.name === name);
}
