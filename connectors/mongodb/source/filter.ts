import { BSON, type Document } from 'mongodb';
import { permanent } from '../../../core/errors.ts';

const path = 'spec.source.filter';
/** Operators that run JavaScript at the server, and stages that could write; a filter needs none of them. */
const refused: ReadonlySet<string> = new Set([
  ...['$where', '$function', '$accumulator', '$eval', '$out', '$merge'],
  // They would need an index of their own, or an order of their own.
  ...['$text', '$near', '$nearSphere'],
]);
const mostDepth = 60;

/** `source.filter`: the condition of a find, in Extended JSON. Undefined: all documents. Throws QueryInvalid. */
export function readFilter(text: string | undefined): Document | undefined {
  if (text === undefined) return undefined;
  const filter = parsed(text);
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter) || '_bsontype' in filter)
    throw invalid('it is not an object', 'write an object in Extended JSON: { "status": "paid" }');
  requireHarmless(filter, 0);
  return filter as Document;
}

function parsed(text: string): unknown {
  try {
    return BSON.EJSON.parse(text, { relaxed: false });
  } catch {
    throw invalid('it is not Extended JSON', 'write an object in Extended JSON: { "status": "paid" }');
  }
}

function requireHarmless(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > mostDepth) throw invalid('it has too many objects within each other', 'write it shorter');
  for (const [name, each] of Object.entries(value)) {
    if (refused.has(name)) throw invalid(`it uses ${name}`, `write it without ${[...refused].join(', ')}`);
    requireHarmless(each, depth + 1);
  }
  if ('_bsontype' in value && (value._bsontype === 'Code' || value._bsontype === 'CodeWScope'))
    throw invalid('it contains JavaScript', 'write it without JavaScript');
}

function invalid(why: string, fix: string): Error {
  return permanent('QueryInvalid', `source.filter cannot be used: ${why}`, { path, fix });
}
