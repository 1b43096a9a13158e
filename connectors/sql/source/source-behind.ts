import { restartCommand } from '../../../core/commands.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { compared } from './keyset.ts';
import { largest, type RangeReader } from './range-reader.ts';

/**
 * For a pass that found nothing after its offset: checks whether the source's largest value is below the offset. Then ids have restarted,
 * the source was restored, or the newest rows were deleted, and rows written below the offset would never be read. This is an error
 * (SourceBehindOffset), except for ids whose generator is known to be at or above the offset: the next rows are read, whatever was
 * deleted. An empty source is no error, because tables may be emptied.
 */
export async function requireNotBehind(
  reader: RangeReader,
  request: ReadRequest,
  field: Column,
  offset: string,
  signal: AbortSignal,
): Promise<void> {
  const { dialect } = reader;
  const name = dialect.quote(field.name);
  const reached = `WHERE ${compared(dialect, field, '>=', offset)} ORDER BY ${name}`;
  if ((await reader.first(field, reached, signal)) !== undefined) return;
  const newest = await largest(reader, field, signal);
  if (newest === undefined || (await isIssued(reader, request, field, offset, signal))) return;
  const { mode, relation } = request;
  throw permanent(
    'SourceBehindOffset',
    `the largest ${field.name} of ${relation.name} is ${newest}, below the offset ${offset}: ${mode === 'Id' ? 'ids have started again, ' : ''}the source was restored, or its newest rows were deleted; rows that are written below the offset are not read`,
    {
      path: mode === 'Id' ? 'spec.source.idField' : 'spec.source.timestampField',
      fix: `run ${restartCommand} (reads everything again; no row at the destination is deleted), or set the offset to ${newest} (continues from there); for LastDestination* delete the rows above it at the destination. The Sync continues by itself when a larger value arrives`,
    },
  );
}

async function isIssued(
  reader: RangeReader,
  request: ReadRequest,
  field: Column,
  offset: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (request.mode !== 'Id' || field.type.kind !== 'int') return false;
  const issued = await reader.largestIssued?.(field, signal);
  return issued !== undefined && issued >= BigInt(offset);
}
