import { softDeleteColumn } from '../../core/connector.ts';
import type { Finding } from '../../core/errors.ts';
import type { KeyInput } from './key-input.ts';

/** Deletions have values only in the key of the source, so this must be the key at the destination. Pure. */
export function deleteFindings({ spec, relation, key, columns }: KeyInput): Finding[] {
  if (spec.deletes === 'Ignore') return [];
  const sources = key.map((name) => columns.columns.find((each) => each.name === name)?.source.name ?? name);
  const sourceKey = relation.keys[0]?.columns ?? [];
  const isSame = sources.length === sourceKey.length && sourceKey.every((name) => sources.includes(name));
  const findings: Finding[] = [];
  if (!isSame || sourceKey.length === 0)
    findings.push({
      severity: 'error',
      code: 'DeleteKeyDiffers',
      path: 'spec.deletes',
      message:
        sourceKey.length === 0
          ? `deletions of ${relation.name} do not say which row was deleted: it has no key`
          : `deletions of ${relation.name} have values only in its key (${sourceKey.join(', ')}), and the key at the destination is (${key.join(', ')})`,
      fix: 'use the key of the source as destination.key, or set deletes to Ignore',
    });
  if (spec.deletes === 'Soft' && relation.columns.some(({ name }) => name === softDeleteColumn))
    findings.push({
      severity: 'error',
      code: 'NamesCollide',
      path: 'spec.deletes',
      message: `${relation.name} has a column ${softDeleteColumn}, and deletes Soft writes the time of a deletion to a column of that name`,
      fix: `give the column another name, or set deletes to Hard or Ignore`,
    });
  return findings;
}
