import { agentCodes } from './error-codes/agents.ts';
import { apiCodes } from './error-codes/api.ts';
import { callCodes } from './error-codes/calls.ts';
import { commandCodes } from './error-codes/commands.ts';
import { connectionCodes } from './error-codes/connections.ts';
import { coordinationCodes } from './error-codes/coordination.ts';
import type { ErrorEntries, ErrorEntry } from './error-codes/entry.ts';
import { fileCodes } from './error-codes/files.ts';
import { keyCodes } from './error-codes/keys.ts';
import { kubernetesCodes } from './error-codes/kubernetes.ts';
import { manifestCodes } from './error-codes/manifests.ts';
import { objectCodes } from './error-codes/objects.ts';
import { offsetCodes } from './error-codes/offsets.ts';
import { rowCodes } from './error-codes/rows.ts';
import { serverCodes } from './error-codes/servers.ts';
import { tableCodes } from './error-codes/tables.ts';

export type { ErrorEntries };

/**
 * Every error code, finding code and failure reason of a condition, with its cause and remedy, by subject: a file of error-codes/ and a
 * section of docs/errors.md, which is generated from it.
 */
export const codesBySubject = {
  connections: connectionCodes,
  servers: serverCodes,
  calls: callCodes,
  tables: tableCodes,
  keys: keyCodes,
  rows: rowCodes,
  offsets: offsetCodes,
  files: fileCodes,
  objects: objectCodes,
  manifests: manifestCodes,
  commands: commandCodes,
  agents: agentCodes,
  coordination: coordinationCodes,
  kubernetes: kubernetesCodes,
  api: apiCodes,
};

type CodesOf<Entries> = Entries extends unknown ? keyof Entries : never;

export type ErrorCode = CodesOf<(typeof codesBySubject)[keyof typeof codesBySubject]>;

export const errorCodes: Readonly<Record<ErrorCode, ErrorEntry>> = Object.assign(
  {},
  ...Object.values(codesBySubject),
);

/** Reasons of a status without an error, with their messages. */
export const normalReasons = {
  CaughtUp: 'the destination has everything that the source had at the last check',
  Completed: 'completed (schedule: once)',
  MovingRows: 'a pass is moving rows',
  Suspended: 'suspended by the spec, an annotation or a command',
  NoFreeSlot: 'all slots of a data source (maxConcurrentSyncs) are taken; the message says by which Syncs',
  PassOverdue: 'a pass that is due makes no progress; the message says since when, and what it waits for',
  WaitingForSchedule: 'waiting for the next scheduled pass',
} as const satisfies Readonly<Record<string, string>>;

export type StatusReason = ErrorCode | keyof typeof normalReasons;

/** Parses a code received from another process, which may be a newer version with more codes. */
export function errorCode(text: string): ErrorCode {
  return text as ErrorCode;
}
