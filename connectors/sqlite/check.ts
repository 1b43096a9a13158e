import type { Database } from 'better-sqlite3';
import type { Finding } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { triggersMayChange } from '../sql/destination/trigger-finding.ts';
import { fieldToIndex, indexFindings } from '../sql/source/field-index.ts';
import type { FromClause } from '../sql/types/dialect.ts';
import { isOfUser, listIndexes, type TableEntry } from './describe.ts';
import { mixedTimes, type TimeColumn } from './source/time-order.ts';
import { affinityOf } from './types/column-types.ts';

export interface FieldFacts {
  readonly database: Database;
  readonly object: SourceObject;
  readonly relation: Relation;
  readonly from: FromClause;
  readonly hasRowid: boolean;
}

/** Properties of SQLite that affect the field that a mode reads by. */
export function fieldFindings(mode: Mode, facts: FieldFacts): Finding[] {
  const { idField, timestampField } = facts.object;
  const name = mode.endsWith('Timestamp') ? timestampField : mode.endsWith('Id') ? idField : undefined;
  const column = facts.relation.columns.find((each) => each.name === name);
  if (!column) return [];
  if (mode.endsWith('Id')) return [...reuse(facts, column), ...numbersAsText(column)];
  const mixed = mixedTimes(timeColumnOf(facts, column.name));
  return [...(mixed ? [mixed] : []), ...notIndexed(mode, facts)];
}

function notIndexed(mode: Mode, { database, object, relation }: FieldFacts): Finding[] {
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

function timeColumnOf({ database, object, from, hasRowid }: FieldFacts, name: string): TimeColumn {
  return { database, from, name, timeZone: object.timeZone ?? 'UTC', hasRowid };
}

function reuse({ database, object, relation }: FieldFacts, column: Column): Finding[] {
  if (object.table === undefined || !column.isIdentity) return [];
  if (hasAutoincrement(database, relation.name)) return [];
  return [
    {
      severity: 'warning',
      code: 'IdsAreReused',
      path: 'spec.source.idField',
      message: `${relation.name}.${column.name} has no AUTOINCREMENT: SQLite reuses the largest id after its row was deleted, and such a row is not read`,
      fix: `declare it INTEGER PRIMARY KEY AUTOINCREMENT, or use mode Timestamp, unless the newest rows of ${relation.name} are never deleted`,
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
      fix: 'use an INTEGER column, or mode Timestamp or Snapshot',
    },
  ];
}

const path = 'spec.destination.table';

/** Tables that cannot be written. */
export function targetFindings(entry: TableEntry): Finding[] {
  // Idra's own tables are refused by the plan, for all systems.
  if (!isOfUser(entry) && !isOwnTable(entry.name)) return [notATarget(entry, 'is a table of SQLite itself')];
  if (entry.kind === 'view') return [notATarget(entry, 'is a view')];
  if (entry.kind === 'virtual')
    return [notATarget(entry, 'is a virtual table, which has no rows of its own')];
  return [];
}

function notATarget({ name }: TableEntry, why: string): Finding {
  return {
    severity: 'error',
    code: 'NotATable',
    path,
    message: `${name} ${why}`,
    fix: 'name a table, or one that is to be created',
  };
}

/** What a Replace does not preserve, or does differently than a user may expect. */
export function replaceFindings(database: Database, table: string): Finding[] {
  const findings: Finding[] = [];
  const triggers = triggersOf(database, table);
  if (triggers.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'TriggersNotFired',
      path: 'spec.writeMode',
      message: `Replace keeps the triggers of ${table} (${triggers.join(', ')}) but does not fire them for its rows`,
    });
  }
  const referring = namesOf(
    database,
    `SELECT DISTINCT t.name FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f
     WHERE t.type = 'table' AND f."table" = ? COLLATE NOCASE AND t.name <> ? COLLATE NOCASE`,
    table,
    table,
  );
  if (referring.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'ReferencesNotChecked',
      path: 'spec.writeMode',
      message: `${referring.join(', ')} refer to ${table}: Replace swaps the table without checking their foreign keys`,
      fix: 'run "PRAGMA foreign_key_check" after a pass, or use Upsert',
    });
  }
  return findings;
}

/** Includes triggers that fire after a row is written: they may modify it as well. */
export function writeFindings(database: Database, table: string): Finding[] {
  return triggersMayChange(table, triggersOf(database, table));
}

function triggersOf(database: Database, table: string): readonly string[] {
  return namesOf(
    database,
    `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE`,
    table,
  );
}

function namesOf(database: Database, sql: string, ...parameters: readonly string[]): readonly string[] {
  return database
    .prepare(sql)
    .pluck()
    .all(...parameters) as string[];
}
