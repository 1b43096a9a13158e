import type { Database } from 'better-sqlite3';
import type { Finding } from '../../core/errors.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import { triggersMayChange } from '../sql/destination/trigger-finding.ts';
import { isOfUser, type TableEntry } from './describe.ts';

const path = 'spec.destination.table';

/** What cannot be written. */
export function targetFindings(entry: TableEntry): Finding[] {
  // Idra's own are refused for all systems by the plan.
  if (!isOfUser(entry) && !isOwnTable(entry.name)) return [notATarget(entry, 'is a table of SQLite itself')];
  if (entry.kind === 'view') return [notATarget(entry, 'is a view')];
  if (entry.kind === 'virtual')
    return [notATarget(entry, 'is a virtual table, which keeps no rows of its own')];
  return [];
}

function notATarget({ name }: TableEntry, why: string): Finding {
  return {
    severity: 'error',
    code: 'NotATable',
    path,
    message: `${name} ${why}`,
    mend: 'name a table, or one that is to be created',
  };
}

/** What a Replace does not keep, or does otherwise than a user may expect. */
export function replaceFindings(database: Database, table: string): Finding[] {
  const findings: Finding[] = [];
  const triggers = triggersOf(database, table);
  if (triggers.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'TriggersNotFired',
      path: 'spec.writeMode',
      message: `Replace keeps the triggers of ${table} (${triggers.join(', ')}) and fires none of them for its rows`,
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
      message: `${referring.join(', ')} refer to ${table}: Replace swaps the table without a look at their foreign keys`,
      mend: 'see "PRAGMA foreign_key_check" after a pass, or use Upsert',
    });
  }
  return findings;
}

/** Those that fire after a row is written may write it as well. */
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
