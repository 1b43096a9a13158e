import type { BoundReport, ReadRequest } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { isoOf, wallText } from '../types/time-text.ts';

/** What holds a bound back. */
export interface HeldBack {
  readonly sinceMicros: number;
  readonly what: string;
}

/** The zone of a timestampField: UTC if it has one itself. */
export function zoneOf(request: ReadRequest, { type }: Column): string {
  return type.kind === 'timestamp' && type.hasZone ? 'UTC' : request.timeZone;
}

/** Transactions are not visible, so safetyLag is what remains. */
export function refused(because: string): BoundReport {
  return { kind: 'safetyLag', because };
}

export function reportOf(oldest: HeldBack | undefined, lagMs: number): BoundReport {
  const held = oldest && { heldBackBy: { what: oldest.what, since: isoOf(oldest.sinceMicros) } };
  if (lagMs > 0) return { kind: 'safetyLag', because: 'safetyLag is set', ...held };
  return { kind: 'transactions', ...held };
}

/** What `idra check` reports if transactions are not visible. `fix`: how the user can see them. */
export function lateRowsBySafetyLag(limitation: string, fix?: string): Finding {
  return {
    severity: 'warning',
    code: 'LateRowsBySafetyLag',
    path: 'spec.safetyLag',
    message: `open transactions of the source cannot be seen (${limitation}): only safetyLag covers late rows`,
    fix: fix ?? 'set safetyLag to longer than the longest transaction',
  };
}

const mostDigits = 6;

/**
 * Rows before this moment. A column without zone holds times of source.timeZone; a column with fewer digits has rounded, so what its last
 * digit does not show yet is left out.
 */
export function timeUpTo(
  micros: number,
  request: ReadRequest,
  field: Column,
): { readonly text: string; readonly isInclusive: false } {
  const { type } = field;
  const digits = type.kind === 'timestamp' ? Math.min(mostDigits, type.precision) : 0;
  const text = wallText(micros, zoneOf(request, field), digits);
  return { text: type.kind === 'date' ? text.slice(0, 10) : text, isInclusive: false };
}
