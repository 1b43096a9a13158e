import type { BoundReport } from './connector.ts';

/** What newer rows wait for, in one clause: the same in status, command line and the table of single mode. */
export function heldBackText(bound: BoundReport | undefined): string {
  const by = bound?.heldBackBy;
  return by
    ? `newer rows are held back until they are final, by ${by.what}, since ${by.since}`
    : 'newer rows are held back by safetyLag until they are final';
}
