import { z } from 'zod';
import type { Finding } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { manifestFinding } from './rules.ts';

type Issue = z.core.$ZodIssue;

/** Converts schema errors to findings for the author of the manifest: field, problem, valid values. */
export function findingsOf(schema: z.ZodType, spec: unknown, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownField(schema, issue.path, key));
    const value = valueIn(spec, issue.path);
    return [manifestFinding(pathText(issue.path), problemOf(issue, value), remedyOf(schema, issue, value))];
  });
}

function unknownField(schema: z.ZodType, path: readonly PropertyKey[], key: string): Finding {
  const known = Object.keys(shapeAt(schema, path));
  const near = nearest(key, known);
  const elsewhere = levelOf(schema, path, key);
  const fix =
    known.length > 0 && elsewhere
      ? elsewhere
      : near
        ? `did you mean ${near}?`
        : `known are ${known.join(', ')}`;
  return manifestFinding(pathText([...path, key]), `there is no field ${key}`, fix);
}

/** Finds a field that is nested one or more levels too deep or one too high, usually because of wrong indentation. */
function levelOf(schema: z.ZodType, path: readonly PropertyKey[], key: string): string | undefined {
  for (let length = path.length - 1; length >= 0; length--) {
    const outer = path.slice(0, length);
    if (key in shapeAt(schema, outer)) return `${key} is a field of ${pathText(outer)}: indent it less`;
  }
  const inner = Object.keys(shapeAt(schema, path)).filter((name) => key in shapeAt(schema, [...path, name]));
  if (inner.length === 0) return undefined;
  return `${key} is a field of ${inner.map((name) => pathText([...path, name])).join(' and ')}: indent it more`;
}

function problemOf(issue: Issue, value: unknown): string {
  const name = pathText(issue.path).split('.').at(-1);
  if (value === undefined) return `${name} is missing`;
  switch (issue.code) {
    case 'invalid_type':
      return `${name} is ${kindOf(value)} and must be ${article(issue.expected)}`;
    case 'invalid_value':
      return `${name} is ${JSON.stringify(value)}`;
    case 'invalid_format':
      return `${name} is ${JSON.stringify(value)}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `${name} is empty`
        : `${name} is ${String(value)} and must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `${name} is ${String(value)} and may be at most ${issue.maximum}`
        : `${name} is longer than ${issue.maximum}`;
    default:
      return `${name} is not valid: ${issue.message}`;
  }
}

function remedyOf(schema: z.ZodType, issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    if (values.length === 1) return `it can only be ${values[0]}; otherwise leave it out`;
    const near = typeof value === 'string' ? nearest(value, values) : undefined;
    return `${near ? `did you mean ${near}? U` : 'u'}se one of ${values.join(', ')}`;
  }
  if (issue.code === 'invalid_format') return issue.message;
  return lowerFirst(schemaAt(schema, issue.path)?.description ?? 'see the reference of manifests').replace(
    /\.$/,
    '',
  );
}

function lowerFirst(sentence: string): string {
  return /^[A-Z][a-z]* /.test(sentence)
    ? `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`
    : sentence;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty (null)';
  if (Array.isArray(value)) return 'a list';
  return article(typeof value);
}

const articles: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function article(kind: string): string {
  return articles[kind] ?? kind;
}

/** The schema of a field; undefined if the path is not part of the schema. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  return path.reduce<z.ZodType | undefined>((at, name) => {
    const bare = at && unwrapped(at);
    if (bare instanceof z.ZodObject) return bare.shape[String(name)] as z.ZodType | undefined;
    if (bare instanceof z.ZodArray) return bare.element as z.ZodType;
    if (bare instanceof z.ZodRecord) return bare.valueType as z.ZodType;
    return undefined;
  }, schema);
}

function shapeAt(schema: z.ZodType, path: readonly PropertyKey[]): Readonly<Record<string, unknown>> {
  const at = schemaAt(schema, path);
  const bare = at && unwrapped(at);
  return bare instanceof z.ZodObject ? bare.shape : {};
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  return schema;
}

function valueIn(spec: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    spec,
  );
}

/** `spec.source.key[0]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, name) => text + (typeof name === 'number' ? `[${name}]` : `.${String(name)}`),
    'spec',
  );
}
