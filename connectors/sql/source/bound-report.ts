import type { BoundReport, ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import { isoOf } from '../types/time-text.ts';

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
