import type { AnyDestination } from '../../core/connector.ts';
import type { Definition } from '../../core/definition.ts';
import { schemaChanged } from '../../core/errors.ts';
import { decodeStored } from '../../core/offset.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';
import { isSameColumns } from '../../core/records/columns.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import type { Sync, SyncSpec } from '../../core/sync-spec.ts';
import type { SyncPlan } from './plan.ts';

/** The columns by which this Sync has read records before; undefined: infer them. */
export type KnownColumns = (
  destination: AnyDestination,
  signal: AbortSignal,
) => Promise<readonly RecordColumn[] | undefined>;

interface Definitions {
  readonly source: Definition;
  readonly destination: Definition;
}

/** Records travel whole between two systems of one kind, unless the Sync asks for columns. */
export function readsWholeRecords(
  { source: object, deletes }: SyncSpec,
  { source, destination }: Definitions,
): boolean {
  return (
    source.capabilities.source.readsWholeRecords === true &&
    source.type === destination.type &&
    object.columns === undefined &&
    object.metadata === undefined &&
    deletes !== 'Soft'
  );
}

/** Whether the source may have to infer its columns. */
export function infersColumns(spec: SyncSpec, definitions: Definitions): boolean {
  const { hasFixedColumns } = definitions.source.capabilities.source;
  return !hasFixedColumns && spec.source.columns === undefined && !readsWholeRecords(spec, definitions);
}

/** Those of the stored offset. Reads only. `readOffset`: of the store, for a destination that has no commit rows. */
export async function storedColumns(
  { uid }: Pick<Sync, 'uid'>,
  destination: AnyDestination,
  readOffset: () => Promise<string | null>,
  signal: AbortSignal,
): Promise<readonly RecordColumn[] | undefined> {
  if (!holdsOffsets(destination)) return decodeStored(await readOffset())?.columns;
  const rows = await destination.commitRows(uid, signal);
  const own = rows.find((row) => row.uid === uid && row.table === destination.name && !row.isClosed);
  return decodeStored(own?.offset ?? null)?.columns;
}

/** Stored columns with those behind them that this run has added. */
export function withAdded(
  stored: readonly RecordColumn[] | undefined,
  added: readonly RecordColumn[],
): readonly RecordColumn[] | undefined {
  if (!stored || added.length === 0) return stored ?? (added.length > 0 ? added : undefined);
  const names = new Set(stored.map(({ name }) => name));
  return [...stored, ...added.filter(({ name }) => !names.has(name))];
}

/** The plan must read by the columns of the offset that it continues from: another owner may have stored them since they were read. */
export function requireStoredColumns(
  plan: Pick<SyncPlan, 'source' | 'inferred'>,
  offset: string | null,
  added: readonly RecordColumn[],
): void {
  const stored = plan.inferred && decodeStored(offset)?.columns;
  if (stored && !isSameColumns(withAdded(stored, added), plan.inferred))
    throw schemaChanged(plan.source.name, { what: 'its columns were inferred by another run' });
}
