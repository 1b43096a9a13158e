import type { Database } from 'better-sqlite3';
import type { Finding } from '../../core/errors.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { fieldToIndex, indexFindings } from '../sql/source/field-index.ts';
import type { FromClause } from '../sql/types/dialect.ts';
import { listIndexes } from './describe.ts';
import { mixedTimes, type TimeColumn } from './source/time-order.ts';
import { affinityOf } from './types/column-types.ts';

export interface FieldLook {
  readonly database: Database;
  readonly object: SourceObject;
  readonly relation: Relation;
  readonly from: FromClause;
  readonly hasRowid: boolean;
}

/** What SQLite's ways do to the field that a mode reads by. */
export function fieldFindings(mode: Mode, look: FieldLook): Finding[] {
  const { idField, timestampField } = look.object;
  const name = mode.endsWith('Timestamp') ? timestampField : mode.endsWith('Id') ? idField : undefined;
  const column = look.relation.columns.find((each) => each.name === name);
  if (!column) return [];
  if (mode.endsWith('Id')) return [...reuse(look, column), ...numbersAsText(column)];
  const mixed = mixedTimes(timeColumnOf(look, column.name));
  return [...(mixed ? [mixed] : []), ...notIndexed(mode, look)];
}

function notIndexed(mode: Mode, { database, object, relation }: FieldLook): Finding[] {
  const field = fieldToIndex(mode, object, relation);
  if (field === undefined) return [];
  const whole = listIndexes(database, relation.name).filter((each) => !each.isPartial);
  return indexFindings(
    field,
    relation,
    mode,
    whole.flatMap(({ columns }) => columns[0]?.name ?? []),
  );
}

function timeColumnOf({ database, object, from, hasRowid }: FieldLook, name: string): TimeColumn {
  return { database, from, name, timeZone: object.timeZone ?? 'UTC', hasRowid };
}

function reuse({ database, object, relation }: FieldLook, column: Column): Finding[] {
  if (object.table === undefined || !column.isIdentity) return [];
  if (hasAutoincrement(database, relation.name)) return [];
  return [
    {
      severity: 'warning',
      code: 'IdsAreReused',
      path: 'spec.source.idField',
      message: `${relation.name}.${column.name} has no AUTOINCREMENT: SQLite gives the largest id again after its row was deleted, and such a row is not read`,
      mend: `declare it INTEGER PRIMARY KEY AUTOINCREMENT, or use mode Timestamp, unless the newest rows of ${relation.name} are never deleted`,
    },
  ];
}

export function hasAutoincrement(database: Database, table: string): boolean {
  const sql = database.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(table) as
    | string
    | null
    | undefined;
  return /\bAUTOINCREMENT\b/i.test(sql ?? '');
}

function numbersAsText(column: Column): Finding[] {
  if (affinityOf(column.nativeType) !== 'TEXT' || !['int', 'decimal', 'float'].includes(column.type.kind))
    return [];
  return [
    {
      severity: 'error',
      code: 'FieldNotOrdered',
      path: 'spec.source.idField',
      message: `${column.name} (${column.nativeType}) holds numbers as text, and SQLite sorts text: 10 comes before 9`,
      mend: 'use an INTEGER column, or mode Timestamp or Snapshot',
    },
  ];
}
