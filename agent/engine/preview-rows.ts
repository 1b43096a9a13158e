import { resolveAccess } from '../../core/access.ts';
import { permanent } from '../../core/errors.ts';
import { maskedText } from '../../core/mask.ts';
import type { DataSource, SourceObject } from '../../core/sync-spec.ts';
import type { Relation, Value } from '../../core/values.ts';
import type { RunContext } from './context.ts';
import { snapshotStart } from './read-request.ts';

export type RowsPreviewInput = {
  readonly dataSource: DataSource;
  readonly object: SourceObject;
  readonly maxRows: number;
} & Pick<RunContext, 'secrets' | 'definitionOf'>;

/** The first rows of an object. Each value keeps its shape and nothing else: digits are 9, letters x. */
export interface RowsPreview {
  readonly columns: readonly { readonly name: string; readonly type: string; readonly isNullable: boolean }[];
  readonly keys: readonly (readonly string[])[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly estimatedRows?: number;
}

const maxBytes = 1 << 20;

/** Reads one small batch. Masked here, so that no value leaves the agent. */
export async function previewRows(input: RowsPreviewInput, signal: AbortSignal): Promise<RowsPreview> {
  const { dataSource, object, definitionOf, secrets, maxRows } = input;
  const definition = definitionOf(dataSource.spec.type);
  if (!definition.capabilities.source.modes.includes('Snapshot')) {
    throw permanent('ModeNotOffered', `${definition.title} has no rows to look at before a Sync reads it`);
  }
  const connector = await definition.load();
  const source = await connector.openSource(await resolveAccess(dataSource, secrets), object, signal);
  try {
    const relation = await source.describe(signal);
    const columns = relation.columns.map((column) => ({ column }));
    const pass = source.read(
      {
        relation,
        columns,
        mode: 'Snapshot',
        key: object.key ?? relation.keys[0]?.columns ?? [],
        timeZone: await source.timeZone(signal),
        after: snapshotStart(null),
        limits: { maxRows, maxBytes },
        rowFormat: { format: 'values' },
      },
      signal,
    );
    const first = await pass.next();
    await pass.return(undefined as never);
    const rows = first.done || !('rows' in first.value.rows) ? [] : [...first.value.rows.rows];
    return { ...shapeOf(relation), rows: rows.slice(0, maxRows).map((row) => row.map(masked)) };
  } finally {
    await source.close();
  }
}

function shapeOf({ columns, keys, estimatedRows }: Relation): Omit<RowsPreview, 'rows'> {
  return {
    columns: columns.map(({ name, nativeType, isNullable }) => ({ name, type: nativeType, isNullable })),
    keys: keys.map((key) => [...key.columns]),
    ...(estimatedRows !== undefined && { estimatedRows }),
  };
}

function masked(value: Value): string | null {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  if (Array.isArray(value))
    return `[${value.map((each) => masked(each) ?? 'null').join(', ')}]`.slice(0, 100);
  return maskedText(String(value));
}
