import type { Finding } from '../../../core/errors.ts';

/** Triggers of a target that fire for each written row: the stored row may then differ from the source's. */
export function triggersMayChange(table: string, triggers: readonly string[]): Finding[] {
  if (triggers.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'TriggersMayChange',
      path: 'spec.destination.table',
      message: `${table} has triggers (${triggers.join(', ')}): rows that they change differ from the source, and nothing checks this`,
      fix: 'drop or disable them, or make sure that they do not change the columns of the source',
    },
  ];
}
