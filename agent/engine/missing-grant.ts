import type { AnyDestination, Connector, SystemAccess } from '../../core/connector.ts';
import { IdraError } from '../../core/errors.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';

export interface RefusedEnds {
  readonly spec: SyncSpec;
  readonly source: { readonly connector: Connector; readonly access: SystemAccess };
  readonly destination: AnyDestination;
}

/**
 * Adds to the refusal of a server the statement that grants the right. Many servers say only what was refused; a connector, and the check
 * of a destination, know more. Other errors are returned unchanged.
 */
export async function namingGrant(thrown: unknown, ends: RefusedEnds, signal: AbortSignal): Promise<unknown> {
  if (!(thrown instanceof IdraError) || thrown.code !== 'PermissionDenied' || hasGrant(thrown.fix))
    return thrown;
  const found = (await ofSource(thrown, ends, signal)) ?? (await ofDestination(ends, signal));
  return found ? thrown.with(found) : thrown;
}

interface Remedy {
  readonly path: string | undefined;
  readonly fix: string;
}

async function ofSource(
  refusal: IdraError,
  { spec, source: { connector, access } }: RefusedEnds,
  signal: AbortSignal,
): Promise<Remedy | undefined> {
  // Names in the message are those of the destination; the source may have other objects with these names.
  if (refusal.path?.startsWith('spec.destination')) return undefined;
  const fix = await connector.missingGrant?.(access, spec.source, refusal, signal).catch(() => undefined);
  return fix === undefined ? undefined : { path: 'spec.source.dataSource', fix };
}

async function ofDestination(
  { spec, destination }: RefusedEnds,
  signal: AbortSignal,
): Promise<Remedy | undefined> {
  const findings = await destination.check(spec.writeMode, signal).catch(() => []);
  const missing = findings.filter(({ code, fix }) => code === 'PermissionDenied' && hasGrant(fix));
  const [first] = missing;
  return first && { path: first.path, fix: missing.map(({ fix = '' }) => fix).join('; ') };
}

function hasGrant(fix: string | undefined): boolean {
  return /\bGRANT [A-Z]{2}/.test(fix ?? '');
}
