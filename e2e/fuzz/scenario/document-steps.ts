import type { Random } from '../prng.ts';
import { documentText, updateMany } from '../systems/mongodb.ts';
import { idOf, type RowCounters } from './columns.ts';
import type { DocumentDesign } from './designed.ts';
import { idLiteral, now } from './document-values.ts';
import { designDocument, fieldLiteral, newName, newValue } from './documents.ts';

/** A command that changes some documents in one of the ways that MongoDB has. */
export function changeDocuments(
  random: Random,
  table: string,
  design: DocumentDesign,
  counters: RowCounters,
  rows: readonly number[],
): { readonly what: string; readonly sql: string } {
  const change = (what: string, operators: () => string, of = rows) => ({
    what,
    make: () => updateMany(table, of, operators()),
  });
  const { what, make } = random.weighted([
    [5, change('$set', () => setFields(random, design))],
    [2, change('$unset', () => unsetFields(random, design))],
    [3, { what: 'replace', make: () => replaceOne(random, table, design, counters, rows) }],
    [1, change('$inc', () => `{"$inc":{"c":1},"$set":{"u":${now}}}`)],
    [1, change('$push', () => `{"$push":{"v_list":${random.below(9)}},"$set":{"u":${now}}}`)],
    [
      1,
      change(
        '$set of the id field',
        () => `{"$set":{"u":${now},"s":${nextId(random, design, counters)}}}`,
        rows.slice(0, 1),
      ),
    ],
    [1, change('$set of a path', () => `{"$set":{"u":${now},"v_doc.x":${random.below(9)}}}`)],
  ]);
  return { what, sql: make() };
}

function nextId(random: Random, { sequence }: DocumentDesign, counters: RowCounters): string {
  return idLiteral(random, Number(idOf(sequence, counters.sequence++)));
}

/** Timestamp does not detect an update that leaves the time unchanged. */
function withTime(random: Random, fields: Record<string, string>): string {
  return documentText(random.chance(0.9) ? { ...fields, u: now } : fields);
}

function setFields(random: Random, { values, hasMisfits, hasNewFields }: DocumentDesign): string {
  const fields: Record<string, string> = { a: String(random.between(0, 1000)) };
  if (random.chance(0.4)) fields.b = `"u${random.below(100)}"`;
  if (hasMisfits && random.chance(0.1)) fields.a = '"changed type"';
  for (const { name, kind } of random.some(values, 2)) fields[name] = fieldLiteral(random, kind, hasMisfits);
  if (hasNewFields && random.chance(0.3)) fields[newName(random)] = newValue(random);
  return `{"$set":${withTime(random, fields)}}`;
}

function unsetFields(random: Random, { values }: DocumentDesign): string {
  const name = random.pick(['a', 'b', ...values.map((each) => each.name)]);
  return `{"$unset":{"${name}":1},"$set":${withTime(random, { c: String(random.below(10)) })}}`;
}

/** The document gets other fields, and loses some; its `_id` and number stay. */
function replaceOne(
  random: Random,
  table: string,
  design: DocumentDesign,
  counters: RowCounters,
  rows: readonly number[],
): string {
  const [row = 1] = rows;
  const { _id, ...fields } = designDocument(random, design, { ...counters, row });
  counters.sequence += 1;
  return updateMany(table, [row], documentText(fields));
}
