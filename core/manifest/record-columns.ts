import type { Finding } from '../errors.ts';
import { formatPath, parsePath } from '../records/path.ts';
import type { RecordColumn } from '../records/record-column.ts';
import { parseType } from '../records/type-text.ts';
import { manifestFinding } from './rules.ts';
import type { SyncManifestSpec } from './sync-schema.ts';

type ManifestColumn = NonNullable<SyncManifestSpec['source']['columns']>[number];

/** A column of a manifest with its default path: the field of its name. */
export function recordColumn({ name, path, type, nullable }: ManifestColumn): RecordColumn {
  return { name, path: path ?? formatPath([name]), type, nullable };
}

/** Checks of source.columns and source.metadata that a schema cannot express. */
export function recordFindings({ source }: SyncManifestSpec): Finding[] {
  const { columns = [], metadata = [] } = source;
  const names = [...columns.map(({ name }) => name), ...metadata.map((each) => `_${each}`)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return [
    ...columns.flatMap(columnFindings),
    ...(twice === undefined
      ? []
      : [
          manifestFinding(
            'spec.source.columns',
            `two columns are named ${twice}`,
            'give each column a name of its own',
          ),
        ]),
  ];
}

function columnFindings({ path, type }: ManifestColumn, index: number): Finding[] {
  const at = `spec.source.columns[${index}]`;
  const findings: Finding[] = [];
  if (!parseType(type))
    findings.push(
      manifestFinding(
        `${at}.type`,
        `${type} is not a canonical type`,
        'write one like text, int64, decimal(18,2), timestamp with time zone, json, text[] (docs/columns.md)',
      ),
    );
  if (path !== undefined && !parsePath(path))
    findings.push(
      manifestFinding(
        `${at}.path`,
        `${path} is not a path`,
        'write names with dots between them, [0] for an element, and \\ before a dot or bracket in a name: totals.gross',
      ),
    );
  return findings;
}
