/** A type as format_type writes it with an empty search_path, in its parts. */
export interface TypeName {
  /** Undefined: it is built in. */
  readonly schema: string | undefined;
  /** As SQL: a word of the grammar, or a quoted name. */
  readonly name: string;
  /** `10,2`; they cut values off in a cast. */
  readonly modifiers: string | undefined;
  /** ` with time zone`, ` without time zone`, or nothing. */
  readonly zone: string;
  /** `[]`, `[][]`. */
  readonly brackets: string;
}

const identifier = String.raw`(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"\0]|"")+")`;
const unit = '(?:year|month|day|hour|minute|second)';
const phrase = `double precision|character varying|bit varying|interval ${unit}(?: to ${unit})?`;
/** Each type may write its modifiers as it likes: those of another form are left out. */
const modifierList = String.raw`\(([^()"';]{0,200})\)`;
const plainModifiers = /^(-?\d{1,10}|[A-Za-z]\w*)(,(-?\d{1,10}|[A-Za-z]\w*))*$/;
const grammar = new RegExp(
  `^(?:(${phrase})|(?:(${identifier})\\.)?(${identifier}))(?:${modifierList})?( with(?:out)? time zone)?((?:\\[\\])*)$`,
);
const zoned = new Set(['time', 'timestamp']);

/** Undefined: it is not written as PostgreSQL writes types. */
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

/** Made by CREATE TABLE alone: no type of a column. */
const pseudo = /^(big|small)?serial[248]?$/i;

/** One word, and so the name of a type that every server of the version has. */
export function isBuiltIn({ schema, name, modifiers, zone }: TypeName): boolean {
  return (
    schema === undefined &&
    modifiers === undefined &&
    zone === '' &&
    /^[a-z][a-z0-9_]*$/.test(name) &&
    !pseudo.test(name)
  );
}
