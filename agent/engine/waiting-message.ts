export const completedMessage = 'the one pass that schedule.once asks for is complete';

export function waitingMessage(isHeldBack: boolean): string {
  return isHeldBack
    ? 'newer rows are held back until they are final; status.bound says by what'
    : 'caught up; waiting for the next pass';
}
