import type { Finding } from '../../core/errors.ts';
import { parseDuration } from '../../core/manifest/units.ts';
import { nearest } from '../../core/nearest.ts';
import type { SyncRowData } from './sync-row.ts';

/** Fields that have facets: each is filtered by a set of values. */
export const facetFields = [
  'state',
  'attention',
  'source',
  'destination',
  'mode',
  'agent',
  'namespace',
] as const;
export type FacetField = (typeof facetFields)[number];

export interface SearchParts {
  readonly q?: string | undefined;
  readonly label?: readonly string[] | undefined;
}

export interface Search {
  /** By field: whether the row has one of the wanted values. */
  readonly fields: ReadonlyMap<FacetField, (row: SyncRowData) => boolean>;
  /** All other conditions. */
  readonly others: readonly ((row: SyncRowData) => boolean)[];
  readonly findings: readonly Finding[];
}

export function facetValue(row: SyncRowData, field: FacetField): string {
  if (field === 'source' || field === 'destination') return row[field].dataSource;
  return row[field];
}

/** A map: users write the names, and every object has fields such as `constructor`. */
const numbers = new Map<string, (row: SyncRowData) => number | undefined>([
  ['lag', (row) => row.lagSeconds],
  ['rate', (row) => row.rowsPerSecond],
  ['rows', (row) => row.rows],
]);
const known = [...facetFields, ...numbers.keys(), 'label', 'reason', 'error', 'table'];

/** Joins the parameters with the terms of `q`: `state:Failed lag:>1m -agent:a orders`. */
export function parseSearch(
  parts: SearchParts & Partial<Readonly<Record<FacetField, readonly string[] | undefined>>>,
): Search {
  const wanted = new Map<FacetField, string[]>();
  for (const field of facetFields) if (parts[field]) wanted.set(field, [...parts[field]]);
  const others: ((row: SyncRowData) => boolean)[] = (parts.label ?? []).map(hasLabel);
  const findings: Finding[] = [];
  for (const term of (parts.q ?? '').split(/\s+/).filter((each) => each !== '')) {
    const [, minus = '', field = '', value = ''] = /^(-?)(\w+):(.+)$/.exec(term) ?? [];
    if (field === '') {
      others.push(hasWord(term.toLowerCase()));
      continue;
    }
    if (isFacetField(field) && minus === '') {
      wanted.set(field, [...(wanted.get(field) ?? []), ...value.split(',')]);
      continue;
    }
    const condition = conditionOf(field, value);
    if (condition) others.push(minus === '' ? condition : (row) => !condition(row));
    else findings.push(unknownTerm(field, value));
  }
  const fields = new Map([...wanted].map(([field, values]) => [field, isOneOf(field, values)] as const));
  return { fields, others, findings };
}

function conditionOf(field: string, value: string): ((row: SyncRowData) => boolean) | undefined {
  if (isFacetField(field)) return isOneOf(field, value.split(','));
  const number = numbers.get(field);
  if (number) return compares(number, value, field === 'lag');
  const folded = value.toLowerCase();
  switch (field) {
    case 'label':
      return hasLabel(value);
    case 'reason':
      return (row) => row.reason.toLowerCase() === folded;
    case 'error':
      return (row) => row.errorCode?.toLowerCase() === folded;
    case 'table':
      return (row) => [row.source, row.destination].some((end) => end.object.toLowerCase().includes(folded));
    default:
      return undefined;
  }
}

function isFacetField(field: string): field is FacetField {
  return facetFields.some((each) => each === field);
}

function isOneOf(field: FacetField, values: readonly string[]): (row: SyncRowData) => boolean {
  const folded = new Set(values.map((each) => each.toLowerCase()));
  return (row) => folded.has(facetValue(row, field).toLowerCase());
}

function compares(
  number: (row: SyncRowData) => number | undefined,
  value: string,
  isDuration: boolean,
): ((row: SyncRowData) => boolean) | undefined {
  const [, sign = '', text = ''] = /^([<>]?)=?(.+)$/.exec(value) ?? [];
  const durationMs = isDuration ? parseDuration(text) : undefined;
  const limit = durationMs === undefined ? Number(text) : durationMs / 1_000;
  if (Number.isNaN(limit)) return undefined;
  return (row) => {
    const given = number(row);
    if (given === undefined) return false;
    return sign === '>' ? given > limit : sign === '<' ? given < limit : given === limit;
  };
}

function hasLabel(text: string): (row: SyncRowData) => boolean {
  const at = text.indexOf('=');
  const [name, value] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  return ({ labels }) => {
    if (!labels || !Object.hasOwn(labels, name)) return false;
    return value === undefined || labels[name] === value;
  };
}

function hasWord(word: string): (row: SyncRowData) => boolean {
  return (row) =>
    row.name.includes(word) ||
    row.namespace.includes(word) ||
    row.source.dataSource.includes(word) ||
    row.destination.dataSource.includes(word) ||
    row.source.object.toLowerCase().includes(word) ||
    row.destination.object.toLowerCase().includes(word) ||
    row.message.toLowerCase().includes(word);
}

function unknownTerm(field: string, value: string): Finding {
  const near = nearest(field, known);
  const isKnown = known.includes(field);
  return {
    severity: 'warning',
    code: 'RequestMalformed',
    path: 'q',
    message: isKnown
      ? `${field}:${value} is not a number or duration`
      : `there is no field ${field} to search in`,
    fix: isKnown
      ? 'write it as lag:>1m or rows:>1000'
      : near
        ? `did you mean ${near}?`
        : `known are ${known.join(', ')}`,
  };
}
