import type { BoundReport } from '../../core/connector.ts';
import { heldBackText } from '../../core/held-back-text.ts';

export const completedMessage = 'completed (schedule: once)';

/** Message between two passes. */
export function waitingMessage(isHeldBack: boolean, bound: BoundReport | undefined): string {
  return isHeldBack ? heldBackText(bound) : 'caught up; waiting for the next pass';
}
