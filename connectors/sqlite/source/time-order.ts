import type { Database } from 'better-sqlite3';
import { countedWere } from '../../../core/counted.ts';
import { type Finding, permanent } from '../../../core/errors.ts';
import { quoteDouble } from '../../sql/names.ts';
import { timeShape } from '../types/time-text.ts';

/**
 * SQLite compares times as text. That is the order of time only if all are written in the same format: with one separator and one clock.
 * A row written with another clock may sort below rows that were already read, and would never be read.
 */
export interface TimeColumn {
  readonly database: Database;
  readonly from: string;
  readonly name: string;
  /** The zone of a text without zone. */
  readonly timeZone: string;
  /** Set for a table whose newest rows can be found by their rowid. */
  readonly hasRowid: boolean;
}

const sampleSize = 1_000;
/** Days checked before the offset; clocks differ by 26 hours at most. */
const windowDays = 3;
const windowRows = 50_000;

/** The check of a plan: the first, the last and the newest rows. */
export function mixedTimes(column: TimeColumn): Finding | undefined {
  const name = quoteDouble(column.name);
  const orders = [`${name} ASC`, `${name} DESC`, ...(column.hasRowid ? ['_rowid_ DESC'] : [])];
  const samples = orders.map(
    (order) =>
      `SELECT * FROM (SELECT ${name} AS at FROM ${column.from} WHERE typeof(${name}) = 'text' ORDER BY ${order} LIMIT ${sampleSize})`,
  );
  const texts = column.database.prepare(samples.join(' UNION ')).pluck().all() as string[];
  const shapes = texts
    .flatMap((text) => timeShape(text) ?? [])
    .filter((shape) => shape.separator !== undefined);
  const separators = new Set(shapes.map((shape) => shape.separator));
  const zones = new Set(shapes.map((shape) => shape.zone ?? column.timeZone));
  if (separators.size < 2 && zones.size < 2) return undefined;
  const what =
    separators.size > 1
      ? 'some with T, some with a space between date and time'
      : `in several time zones: ${[...zones].slice(0, 3).join(', ')}`;
  return {
    severity: 'error',
    code: 'TimestampShapesMixed',
    path: 'spec.source.timestampField',
    message: `${column.name} holds times in several formats (${what}). SQLite compares them as text, so their order is not chronological`,
    fix: remedy(column.name),
  };
}

/** At the end of a pass: finds rows near the last one that was read which sort before it as text but are later as times. */
export function requireTimeOrder(column: TimeColumn, last: string): void {
  const name = quoteDouble(column.name);
  const later = `CAST(strftime('%s', at) AS INTEGER) > CAST(strftime('%s', :last) AS INTEGER)`;
  const count = column.database
    .prepare(
      `SELECT count(*) FROM (SELECT ${name} AS at FROM ${column.from}
         WHERE ${name} >= date(:last, '-${windowDays} days') AND ${name} <= :last ORDER BY ${name} DESC LIMIT ${windowRows})
       WHERE ${later}`,
    )
    .pluck()
    .get({ last }) as bigint;
  if (count === 0n) return;
  throw permanent(
    'TimestampShapesMixed',
    `${countedWere(count, 'row')} written with a time in ${column.name} that is later than the offset but sorts before it as text, so no pass would read ${count === 1n ? 'it' : 'them'}`,
    { path: 'spec.source.timestampField', fix: remedy(column.name) },
  );
}

function remedy(name: string): string {
  return `write all times in one format, for example with UPDATE ... SET ${quoteDouble(name)} = strftime('%Y-%m-%d %H:%M:%f', ${quoteDouble(name)}), which converts them to UTC, or convert the column in source.query`;
}
