import type { BoundReport } from '../../core/connector.ts';
import { heldBackText } from '../../core/held-back-text.ts';

export const completedMessage = 'the one pass that schedule.once asks for is complete';

/** Message between two passes. */
export function waitingMessage(isHeldBack: boolean, bound: BoundReport | undefined): string {
  return isHeldBack ? heldBackText(bound) : 'caught up; waiting for the next pass';
}
