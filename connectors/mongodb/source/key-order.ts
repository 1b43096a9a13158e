import type { Document } from 'mongodb';
import type { ColumnType } from '../../../core/values.ts';
import { type BsonValue, bson } from '../types/format.ts';
import { driverValue } from '../types/key-text.ts';

/** A field that documents are ordered by. */
export interface OrderField {
  /** Dotted, as in a filter. */
  readonly path: string;
  /** Types of values that have a position; others are never read. */
  readonly brackets: readonly Bracket[];
  /** Documents with an array in it are left out, and counted. Of other fields they are found when their position is asked for. */
  readonly isCursor: boolean;
}

/** Types whose values are compared with each other, by their names for $type. Comparisons match no other types than that of their value. */
export type Bracket = readonly string[];

const numbers: Bracket = ['double', 'int', 'long', 'decimal'];
const dates: Bracket = ['date'];

/** In the order in which MongoDB sorts values. Arrays have no position of their own: they are sorted by an element. */
export const allBrackets: readonly Bracket[] = [
  ['minKey'],
  ['undefined', 'null'],
  numbers,
  ['string', 'symbol'],
  ['object'],
  ['binData'],
  ['objectId'],
  ['bool'],
  dates,
  ['timestamp'],
  ['regex'],
  ['dbPointer'],
  ['javascript'],
  ['javascriptWithScope'],
  ['maxKey'],
];

const bracketNames = new Map<number, string>([
  [bson.minKey, 'minKey'],
  [bson.undefined, 'undefined'],
  [bson.null, 'null'],
  [bson.double, 'double'],
  [bson.int32, 'int'],
  [bson.int64, 'long'],
  [bson.decimal, 'decimal'],
  [bson.string, 'string'],
  [bson.symbol, 'symbol'],
  [bson.object, 'object'],
  [bson.array, 'array'],
  [bson.binary, 'binData'],
  [bson.objectId, 'objectId'],
  [bson.boolean, 'bool'],
  [bson.date, 'date'],
  [bson.timestamp, 'timestamp'],
  [bson.regex, 'regex'],
  [bson.dbPointer, 'dbPointer'],
  [bson.code, 'javascript'],
  [bson.codeWithScope, 'javascriptWithScope'],
  [bson.maxKey, 'maxKey'],
]);

/** Brackets of one value each, which nothing of the same bracket follows. */
const single: ReadonlySet<string> = new Set(['minKey', 'null', 'undefined', 'maxKey']);

/** The types that the cursor field of a mode may have: a document whose field has another type is never read. */
export function cursorBrackets({ kind }: ColumnType): readonly Bracket[] {
  switch (kind) {
    case 'int':
    case 'float':
    case 'decimal':
      return [numbers];
    case 'timestamp':
    case 'date':
      return [dates];
    default:
      return allBrackets.filter(
        ([first]) => first !== 'undefined' && first !== 'minKey' && first !== 'maxKey',
      );
  }
}

export interface UpTo {
  readonly value: BsonValue;
  readonly isInclusive: boolean;
}

/** One statement of a range: its documents come before those of the next one. */
export interface Step {
  readonly filter: Document;
  readonly sort: Document;
}

/**
 * The documents after a position, up to a bound of the first field, as statements that each use an index over the fields. Fewer values than
 * fields are a position after all documents that begin with them.
 */
export function stepsAfter(
  fields: readonly OrderField[],
  after: readonly BsonValue[] | null,
  upTo: UpTo | undefined,
): readonly Step[] {
  const [first] = fields;
  if (!first) return [{ filter: {}, sort: {} }];
  if (!after)
    return conditionsOf(first, undefined, upTo).map((each) => ({ filter: each, sort: sortOf(fields) }));
  const steps: Step[] = [];
  for (let level = after.length - 1; level >= 0; level--) {
    const field = fields[level];
    const value = after[level];
    if (!field || !value) continue;
    const same = fields
      .slice(0, level)
      .map(({ path }, at) => ({ [path]: { $eq: driverValue(after[at] as BsonValue) } }));
    const sort = sortOf(fields.slice(level));
    for (const condition of conditionsOf(field, value, level === 0 ? upTo : undefined))
      steps.push({ filter: all([...same, condition]), sort });
  }
  return steps;
}

/** Documents whose first field has this value or a larger one. */
export function notBelow(field: OrderField, value: BsonValue): Step {
  const { path, isCursor } = field;
  const condition = { [path]: { $gte: driverValue(value) } };
  return { filter: all([condition, ...(isCursor ? withoutArrays(path) : [])]), sort: {} };
}

function sortOf(fields: readonly OrderField[]): Document {
  return Object.fromEntries(fields.map(({ path }) => [path, 1]));
}

/** Values of a field that come after a value and up to a bound, in the order of their brackets. */
function conditionsOf(field: OrderField, after: BsonValue | undefined, upTo: UpTo | undefined): Document[] {
  const { path, brackets, isCursor } = field;
  const start = after ? placeOf(brackets, after) : -1;
  const end = upTo ? placeOf(brackets, upTo.value) : brackets.length;
  const limit = upTo && { [upTo.isInclusive ? '$lte' : '$lt']: driverValue(upTo.value) };
  const conditions: Document[] = [];
  if (after && !isSingle(after)) {
    const more = { ...higher(after), ...(start === end && limit) };
    conditions.push({ [path]: more });
  }
  const between = brackets.slice(start + 1, end).flat();
  if (between.length > 0)
    conditions.push(ofTypes(field, between, !after && between.length === brackets.flat().length));
  if (limit && end > start) conditions.push({ [path]: limit });
  return isCursor ? conditions.map((each) => all([each, ...withoutArrays(path)])) : conditions;
}

/** The server looks for `a.b` in each element of `a`, and sorts by one of them. */
function withoutArrays(path: string): Document[] {
  // No server has arrays there.
  if (path === '_id') return [];
  const names = path.split('.');
  return names.map((_, at) => ({ [names.slice(0, at + 1).join('.')]: { $not: { $type: 'array' } } }));
}

/** A sort alone brings documents in the order of all types, and those without the field. */
function ofTypes({ path, isCursor }: OrderField, types: readonly string[], isEverything: boolean): Document {
  return isEverything && !isCursor ? {} : { [path]: { $type: [...types] } };
}

/** NaN is the least number, and nothing is greater than it. */
function higher(value: BsonValue): Document {
  const driver = driverValue(value);
  return isNan(value) ? { $gte: Number.NEGATIVE_INFINITY } : { $gt: driver };
}

function isNan({ type, bytes, start }: BsonValue): boolean {
  if (type === bson.double) return Number.isNaN(bytes.readDoubleLE(start));
  // The five bits after the sign are all set.
  return type === bson.decimal && ((bytes[start + 15] ?? 0) & 0x7c) === 0x7c;
}

function isSingle({ type }: BsonValue): boolean {
  return single.has(bracketNames.get(type) ?? '');
}

function placeOf(brackets: readonly Bracket[], { type }: BsonValue): number {
  const name = bracketNames.get(type) ?? '';
  return brackets.findIndex((each) => each.includes(name));
}

export function all(conditions: readonly Document[]): Document {
  const some = conditions.filter((each) => Object.keys(each).length > 0);
  return some.length <= 1 ? (some[0] ?? {}) : { $and: some };
}
