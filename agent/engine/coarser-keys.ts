import type { PlannedColumn } from '../../core/column-plan.ts';
import type { Finding } from '../../core/errors.ts';
import { objectName } from '../../core/sync-spec.ts';
import { isUniqueBy } from '../../core/unique-order.ts';
import type { Relation } from '../../core/values.ts';
import type { KeyInput } from './key-input.ts';
import { isOpaque } from './read-order.ts';

/**
 * Keys of the destination that treat different source rows as equal: such rows overwrite each other, or are refused as duplicates. Pure.
 */
export function coarserKeys(input: KeyInput): Finding[] {
  return [...coarserColumns(input), ...smallerKey(input)];
}

/** A unique key of the existing table whose collation treats different values as equal. */
function coarserColumns({ existing, columns, key, spec }: KeyInput): Finding[] {
  if (!existing) return [];
  const unique = [...existing.keys.map((each) => each.columns), spec.writeMode === 'Upsert' ? key : []];
  const names = new Set(unique.flat());
  return columns.columns.filter((each) => names.has(each.name) && isCoarser(each)).map(coarserFinding);
}

function isCoarser({ source, existing }: PlannedColumn): boolean {
  return existing?.equality !== undefined && existing.equality !== source.equality;
}

function coarserFinding({ name, existing, source }: PlannedColumn): Finding {
  const rule = existing?.equality?.replace(/^[a-z]+:/, '') ?? '';
  return {
    severity: 'error',
    code: 'KeyCoarser',
    path: 'spec.destination.key',
    message: `key column ${name} compares by ${rule} at the destination, which treats different values of the source (${source.nativeType}) as equal: their rows would overwrite each other or be refused as duplicates`,
    fix: `give ${name} a type and collation that distinguish all values, or let createTable create the table`,
  };
}

/** ReadRequest.distinct: needed when each source row must be one row at the destination, whose types differ. */
export function distinctColumns({
  spec,
  relation,
  key,
  sourceKey,
  columns,
  isSameSystem,
}: KeyInput): readonly string[] {
  if (spec.writeMode !== 'Upsert') return [];
  const planned = columns.columns.filter(({ name }) => key.includes(name));
  const sources = planned.map(({ source }) => source.name);
  const isChosen = !hasAll(sources, sourceKey) && !isUniqueBy(relation, sources);
  const isSameType = planned.every(({ ddl, source }) => ddl === source.nativeType);
  return isChosen || (isSameSystem && isSameType) ? [] : sources;
}

function hasAll(names: readonly string[], key: readonly string[]): boolean {
  return key.length > 0 && key.every((name) => names.includes(name));
}

/** An Upsert by columns that are not a key of the source: permitted (the last version of each), but shown in the status. */
function smallerKey({ spec, relation, key, sourceKey, columns, existing }: KeyInput): Finding[] {
  if (spec.writeMode !== 'Upsert' || key.length === 0) return [];
  const sources = key.map((name) => columns.columns.find((each) => each.name === name)?.source.name ?? name);
  const hasWholeKey = hasAll(sources, sourceKey);
  if (isUniqueBy(relation, sources)) return [];
  // Pages of a Snapshot are in key order and are checked; the pages of other modes are ordered by another column first, and then the
  // columns in source.key need not be a key.
  if (isOpaque(spec, relation) && spec.mode === 'Snapshot' && hasWholeKey) return [];
  const table = existing?.name ?? objectName(spec.destination);
  const list = key.join(', ');
  const [isKey, remedy] = isOpaque(spec, relation)
    ? [
        'is not known to be a key',
        'ensure that no two rows have the same values, or use mode Snapshot, which checks it',
      ]
    : ['is not a key', `set source.key and destination.key to a key of the source: ${keysOf(relation)}`];
  return [
    {
      severity: 'warning',
      code: 'KeyCoarser',
      path: 'spec.destination.key',
      message: `destination.key (${list}) ${isKey} of ${relation.name}: of rows with equal values in it, ${table} keeps only the last one read`,
      fix: remedy,
    },
  ];
}

function keysOf({ keys, name }: Relation): string {
  if (keys.length === 0) return `${name} has none, so create one there`;
  return keys.map((each) => `(${each.columns.join(', ')})`).join(' or ');
}
