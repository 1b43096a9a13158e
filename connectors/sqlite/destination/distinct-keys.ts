import type { Database } from 'better-sqlite3';
import { permanent } from '../../../core/errors.ts';
import { nameRow } from '../../../core/row-name.ts';
import type { Column } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import type { FromClause } from '../../sql/types/dialect.ts';
import type { Stored } from '../types/decode.ts';
import { noStyle, spellingOf } from '../types/spelling.ts';

/** Columns in which any two rows must differ when compared as other systems do. */
export interface DistinctKeys {
  readonly relation: string;
  readonly from: FromClause;
  readonly columns: readonly Column[];
  /** Their indexes in the select list. */
  readonly places: readonly number[];
  /** Styles of the rows that existed when the first page was read, and of those read since; null before. */
  readonly styles: readonly string[] | null;
  readonly redactsKeys: boolean;
}

/** Undefined if no column of the key has values with several spellings. */
export function styleReader({ columns, places }: Pick<DistinctKeys, 'columns' | 'places'>) {
  const spelled = columns.flatMap((column, index) => {
    const spelling = spellingOf(column.type);
    return spelling ? [{ spelling, place: places[index] ?? 0 }] : [];
  });
  if (spelled.length === 0) return undefined;
  return (row: readonly Stored[]): string => {
    const styles = spelled.map(({ spelling, place }) => spelling.styleOf(row[place] ?? null));
    return styles.includes(noStyle) ? noStyle : styles.join('\n');
  };
}

/**
 * Throws KeyCoarser if two rows have one key in several spellings. As long as all rows have the same style, nothing needs to be compared;
 * otherwise the database does it, which sorts on disk. Call in the transaction of the page whose rows had these styles.
 */
export class DistinctKeysCheck {
  /** The version of the data in which no two rows had the same key. */
  #distinctAt: bigint | undefined;

  /** Returns the styles that are known now. */
  require(database: Database, keys: DistinctKeys, seen: ReadonlySet<string>): readonly string[] {
    const styles = new Set([...(keys.styles ?? stylesOf(database, keys)), ...seen]);
    if (styles.size > 1 || styles.has(noStyle)) this.#compare(database, keys);
    // Two are enough to know that there are several.
    return [...styles].slice(0, 2);
  }

  #compare(database: Database, keys: DistinctKeys): void {
    const changes = database.pragma('data_version', { simple: true }) as bigint;
    if (this.#distinctAt === changes) return;
    const values = keys.columns.map((column, index) => {
      const spelling = spellingOf(column.type);
      if (!spelling) return quoteDouble(column.name);
      define(database, `idra_value_${index}`, (stored) => spelling.keyOf(stored));
      return `idra_value_${index}(${quoteDouble(column.name)})`;
    });
    const list = values.join(', ');
    const isThere = keys.columns.map((column) => `${quoteDouble(column.name)} IS NOT NULL`).join(' AND ');
    const twin = database
      .prepare(
        `SELECT ${list} FROM ${keys.from} WHERE ${isThere} GROUP BY ${list} HAVING count(*) > 1 LIMIT 1`,
      )
      .raw()
      .get() as Stored[] | undefined;
    if (twin) throw severalSpellings(keys, twin);
    this.#distinctAt = changes;
  }
}

function stylesOf(database: Database, keys: DistinctKeys): string[] {
  const styleOf = styleReader({ ...keys, places: keys.columns.map((_column, index) => index) });
  if (!styleOf) return [];
  define(database, 'idra_style', (...row) => styleOf(row));
  const names = keys.columns.map((column) => quoteDouble(column.name)).join(', ');
  return database
    .prepare(`SELECT DISTINCT idra_style(${names}) FROM ${keys.from} LIMIT 2`)
    .pluck()
    .all() as string[];
}

function define(database: Database, name: string, body: (...stored: Stored[]) => string): void {
  database.function(name, { deterministic: true, varargs: true, safeIntegers: true }, body as never);
}

function severalSpellings({ relation, columns, redactsKeys }: DistinctKeys, twin: readonly Stored[]): Error {
  const names = columns.map((column) => column.name);
  const values = twin.map((stored) => (stored instanceof Uint8Array ? 'bytes' : String(stored)));
  const row = nameRow({ columns: names, values }, redactsKeys);
  return permanent(
    'KeyCoarser',
    `several rows of ${relation} have ${row}, spelled in several ways (a UUID in two cases, zeros at the end, two forms of a time): they are one key at the destination, and would overwrite each other`,
    {
      path: 'spec.destination.key',
      fix: `write ${names.join(', ')} in one form in all rows of ${relation} and delete the duplicates, or name another destination.key`,
    },
  );
}
