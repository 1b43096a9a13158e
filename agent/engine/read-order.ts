import type { Finding } from '../../core/errors.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import { isUniqueBy } from '../../core/unique-order.ts';
import type { Relation } from '../../core/values.ts';

export interface OrderInput {
  readonly spec: SyncSpec;
  readonly relation: Relation;
  /** What identifies a row of the source; may be empty. */
  readonly sourceKey: readonly string[];
  readonly remedies: Remedies;
}

/** The columns that a mode pages by (ReadRequest.key), and whether they are known to identify each row. Pure. */
export interface ReadOrder {
  readonly key: readonly string[];
  readonly findings: readonly Finding[];
}

export function readOrder(input: OrderInput): ReadOrder {
  const { spec, relation, sourceKey } = input;
  const { idField, timestampField } = spec.source;
  // A log has its own order.
  if (spec.mode === 'Stream') return { key: sourceKey, findings: [] };
  if (spec.mode.endsWith('Id') && idField !== undefined) return idOrder(input, idField);
  const order =
    spec.mode.endsWith('Timestamp') && timestampField ? [timestampField, ...sourceKey] : sourceKey;
  const isProven = sourceKey.length === 0 || isUniqueBy(relation, order) || isOpaque(spec, relation);
  return { key: sourceKey, findings: isProven ? [] : [notUnique(input, order, 'spec.source.key')] };
}

/** By the id alone if it is unique, else by (idField, key). */
function idOrder(input: OrderInput, idField: string): ReadOrder {
  const { spec, relation, sourceKey } = input;
  const alone = [idField];
  if (isUniqueBy(relation, alone)) return { key: alone, findings: [] };
  const both = [...new Set([idField, ...sourceKey])];
  if (isOpaque(spec, relation)) return { key: both, findings: [] };
  if (!isUniqueBy(relation, both))
    return { key: alone, findings: [notUnique(input, alone, 'spec.source.idField')] };
  return {
    key: both,
    findings: [
      {
        severity: 'warning',
        code: 'IdNotUnique',
        path: 'spec.source.idField',
        message: `${idField} of ${relation.name} is not unique: rows are read in the order (${both.join(', ')}), and a later row with the largest id read so far and a smaller ${both.slice(1).join(', ')} is not read`,
        fix: `name a unique idField, or make it one: ${input.remedies.uniqueKey(relation.name, alone)}`,
      },
    ],
  };
}

/** For a view, query or foreign table uniqueness is unknown until its rows are read: its pages are checked. */
export function isOpaque(spec: SyncSpec, relation: Relation): boolean {
  return relation.isOpaque === true || spec.source.query !== undefined;
}

function notUnique({ relation, remedies }: OrderInput, order: readonly string[], path: string): Finding {
  const list = order.join(', ');
  return {
    severity: 'error',
    code: 'KeyNotUnique',
    path,
    message: `no ${remedies.key} of ${relation.name} proves that (${list}) identify a row: rows with equal values at the edge of two batches would be lost`,
    fix: `name a key in source.key, ${remedies.uniqueOrder(relation.name, order)}`,
  };
}
