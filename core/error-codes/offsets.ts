import type { ErrorEntries } from './entry.ts';

/** Offsets, the claim on a destination, and requests such as restart. */
export const offsetCodes = {
  ClaimBusy: {
    cause: 'The session of an earlier owner of the Sync still holds the commit row.',
    remedy: 'Nothing: it is retried. If it persists, end that session at the server.',
  },
  ClaimLost: {
    cause:
      'The brokers ended the transaction of the Sync: another owner has claimed it, or the transaction took too long.',
    remedy: 'Nothing: the claim is made again, unless a newer owner has it.',
    systems: ['Apache Kafka'],
  },
  CommitRowGone: {
    cause: 'The row of _idra_commits that the Sync had claimed was deleted.',
    remedy: 'Restore the row, or restart the Sync: idra restart NAME.',
  },
  CommitTableNewer: {
    cause: 'The table _idra_commits has a layout of a newer version of Idra.',
    remedy: 'Run that version of Idra, or a newer one.',
  },
  DestinationNotEmpty: {
    cause: 'The destination table has rows and no offset of this Sync, and Append would add to them.',
    remedy: 'Empty the table, use Upsert, or set where to continue: idra offset set NAME VALUE.',
  },
  Fenced: {
    cause: 'A newer owner of the Sync has claimed the destination.',
    remedy:
      'Nothing in a cluster: this run stops, and the newer one continues. In single mode two processes run the same Sync: stop one of them.',
  },
  HeldBack: {
    cause: 'The source has rows that are not read yet because of an open transaction or safetyLag.',
    remedy: 'Nothing if it is temporary; else end the transaction that the message names.',
  },
  LateRowsBySafetyLag: {
    cause:
      'Open transactions of the source cannot be seen, so only safetyLag covers rows that are committed late.',
    remedy: 'Grant the right that the message names, or set safetyLag longer than transactions last.',
  },
  NotSuspended: {
    cause: 'An offset can be changed manually only while the Sync is suspended.',
    remedy: 'Suspend the Sync first: idra suspend NAME.',
  },
  NothingToUndo: {
    cause: 'No manual change of the offset is recorded for the Sync.',
    remedy: 'Set the offset: idra offset set NAME VALUE.',
  },
  OffsetInvalid: {
    cause: "The value is not a valid offset for the Sync's mode and column types.",
    remedy: 'Give a value in the format that idra offset get prints.',
  },
  OffsetMoved: {
    cause: 'The stored offset is not the one that was expected.',
    remedy: 'Read it again (idra offset get NAME) and repeat with --expect.',
  },
  OffsetNoLongerFits: {
    cause:
      'The mode, source, field or destination of the Sync changed, or another server answers at an address; the stored offset belongs to the previous one.',
    remedy:
      'Restart from the beginning (idra restart NAME), or continue from the stored offset (idra keep-offset NAME).',
  },
  OffsetNotKept: {
    cause: 'The mode stores no offset that could be set.',
    remedy: 'Change the rows at the destination, or use mode Id or Timestamp.',
  },
  OffsetTooLarge: {
    cause:
      'A row has a very long value in a field that rows are ordered by, and the Sync would have to keep it as its offset.',
    remedy: 'Order by other fields: source.key, idField or timestampField.',
  },
  OffsetUnreadable: {
    cause: 'The stored offset was written by a newer version of Idra.',
    remedy: 'Run the newer version, or idra restart NAME.',
  },
  OffsetWentBack: {
    cause: 'A batch would not have moved the offset forward. Nothing was written.',
    remedy: 'Report it as a bug in Idra, with the type of the columns that the Sync pages by.',
  },
  RequestInvalid: {
    cause: 'A request annotation, or the offset in it, is not valid.',
    remedy: 'Write it like the example in the message.',
  },
  RequestRefused: {
    cause: 'A request such as restart or offset set was refused.',
    remedy: 'Do what the message says and repeat the request.',
  },
  RequestUnanswered: {
    cause: 'No agent executed the request in time; it remains and is executed later.',
    remedy: 'Check that an agent runs: idra get agents.',
  },
  SessionNotEnded: {
    cause: 'The session of an earlier owner could not be ended.',
    remedy: 'End it at the server (KILL), or grant the right to do so.',
    systems: ['MySQL', 'MariaDB'],
  },
  SourceBehindOffset: {
    cause:
      'The largest id or timestamp at the source is below the stored offset: ids were reset, the source was restored, or its newest rows were deleted.',
    remedy:
      'Run idra restart NAME, or set the offset to the value in the message; the Sync continues automatically when a larger value arrives.',
  },
  Standby: {
    cause: 'The server is a standby: only safetyLag covers rows that are committed late.',
    remedy: 'Read from the primary, or set safetyLag.',
    systems: ['PostgreSQL'],
  },
  StreamEnded: {
    cause:
      'The object that mode Stream reads was dropped, renamed or replaced, which ends its log of changes.',
    remedy:
      'If the object is there again, run idra restart NAME, which reads it from the beginning. Rows at the destination stay.',
    systems: ['MongoDB'],
  },
  StreamHistoryLost: {
    cause: 'The system no longer has the changes that come after the stored offset.',
    remedy:
      'Run idra restart NAME, which reads everything again, and keep the changes of the source for longer than the Sync may pause.',
  },
} as const satisfies ErrorEntries;
