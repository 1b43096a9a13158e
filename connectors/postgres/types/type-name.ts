import { bug } from '../../../core/errors.ts';
import { lookUp } from '../../../core/look-up.ts';
import { typeUnreadable } from '../../sql/types/type-name.ts';

/** The parts of a type as format_type writes it with an empty search_path. */
export interface TypeName {
  /** Undefined for a built-in type. */
  readonly schema: string | undefined;
  /** As SQL: a keyword of the grammar, or a quoted name. */
  readonly name: string;
  /** `10,2`. In a cast they truncate values. */
  readonly modifiers: string | undefined;
  /** ` with time zone`, ` without time zone`, or nothing. */
  readonly zone: string;
  /** `[]`, `[][]`. */
  readonly brackets: string;
}

const identifier = String.raw`(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"\0]|"")+")`;
const unit = '(?:year|month|day|hour|minute|second)';
const phrase = `double precision|character varying|bit varying|interval ${unit}(?: to ${unit})?`;
/** Each type defines the format of its modifiers; those in another format are dropped. */
const modifierList = String.raw`\(([^()"';]{0,200})\)`;
const plainModifiers = /^(-?\d{1,10}|[A-Za-z]\w*)(,(-?\d{1,10}|[A-Za-z]\w*))*$/;
const grammar = new RegExp(
  `^(?:(${phrase})|(?:(${identifier})\\.)?(${identifier}))(?:${modifierList})?( with(?:out)? time zone)?((?:\\[\\])*)$`,
);
const zoned = new Set(['time', 'timestamp']);

/** Undefined if the text is not in the form in which PostgreSQL writes types. */
export function parseTypeName(text: string): TypeName | undefined {
  const found = grammar.exec(text);
  if (!found) return undefined;
  const [, words, schema, name = '', list, zone = '', brackets = ''] = found;
  if (zone !== '' && !zoned.has(name)) return undefined;
  const modifiers = list !== undefined && plainModifiers.test(list) ? list : undefined;
  return { schema, name: words ?? name, modifiers, zone, brackets };
}

export function writeTypeName({ schema, name, modifiers, zone, brackets }: TypeName): string {
  const path = schema === undefined ? '' : `${schema}.`;
  return `${path}${name}${modifiers === undefined ? '' : `(${modifiers})`}${zone}${brackets}`;
}

/** Only valid in CREATE TABLE; a column never has this type. */
const pseudo = /^(big|small)?serial[248]?$/i;

/** A single word, so the name of a type that every server of the version has. */
export function isBuiltIn({ schema, name, modifiers, zone }: TypeName): boolean {
  return (
    schema === undefined &&
    modifiers === undefined &&
    zone === '' &&
    /^[a-z][a-z0-9_]*$/.test(name) &&
    !pseudo.test(name)
  );
}

/** The server's name of a type, in a form that can be used in a statement. Throws TypeUnreadable. */
export function readTypeName(text: string, column: string, relation: string, path: string): string {
  const parsed = parseTypeName(text);
  if (!parsed) throw typeUnreadable(column, relation, path);
  return writeTypeName(parsed);
}

/** `character varying(20)[]` -> `character varying[]`: a cast to it truncates nothing (SQL casts truncate silently). */
export function withoutModifiers(nativeType: string): string {
  const parsed = parseTypeName(nativeType);
  if (!parsed) throw bug('a type was not read by its grammar when it was described');
  return writeTypeName({
    ...parsed,
    name: lookUp(wholeNames, parsed.name) ?? parsed.name,
    modifiers: undefined,
  });
}

/** Only these two keywords imply a length of 1. */
const wholeNames: Readonly<Record<string, string>> = { character: 'bpchar', bit: 'pg_catalog."bit"' };

/** Names that are part of the grammar, regardless of the search path. */
const keywords =
  /^(bigint|bit varying|boolean|character varying|double precision|integer|interval( [a-z]+)*|numeric|real|smallint|time(stamp)? (with|without) time zone)(\[\])*$/;

/**
 * A type without modifiers, by its name in the catalog (with a schema, except for built-in types), in a form that is unambiguous if
 * another type has the same name.
 */
export function castName(type: string): string {
  return keywords.test(type) || /^("(?:[^"]|"")*"|[^".]+)\./.test(type) ? type : `pg_catalog.${type}`;
}
