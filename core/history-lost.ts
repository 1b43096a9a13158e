import { restartCommand } from './commands.ts';
import { type IdraError, permanent } from './errors.ts';

/** The changes after an offset are gone. Never continued with a new snapshot silently: rows deleted meanwhile would stay. */
export function historyLost(object: string, { what, keep }: LostHistory): IdraError {
  return permanent(
    'StreamHistoryLost',
    `${object} no longer has the changes after the stored offset: ${what}`,
    {
      fix: `run ${restartCommand} to read everything again, and ${keep}`,
    },
  );
}

export interface LostHistory {
  /** What shows it: `partition 3 begins at offset 900, and 400 was stored`. */
  readonly what: string;
  /** How to keep changes for longer: `raise retention.ms of the topic`. */
  readonly keep: string;
}
