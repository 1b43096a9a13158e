import { boundedText } from './bounded-text.ts';
import type { ErrorCode } from './error-codes.ts';

/**
 * The one error type. Callers decide by `disposition`; people read `message` and `fix`.
 *
 * - `transient`: the same call may succeed later; retry with backoff.
 * - `permanent`: the manifest, the rights or the data must change first.
 * - `fenced`: a newer owner has the sync (Invariant 3); stop and write nothing.
 * - `bug`: a bug in Idra; handled like permanent, with a request to report it.
 */
export type Disposition = 'transient' | 'permanent' | 'fenced' | 'bug';

export interface IdraErrorInit {
  /** Stable, CamelCase, valid as the reason of a condition: `TableNotFound`. */
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  /** What happened to which object. Never a secret, never row data. */
  readonly message: string;
  /** Path of the manifest field at fault: `spec.source.table`. */
  readonly path?: string | undefined;
  /** What to do: a sentence, a field to set or a statement to run. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

export class IdraError extends Error {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly path: string | undefined;
  readonly fix: string | undefined;

  constructor(init: IdraErrorInit) {
    super(boundedText(init.message), init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'IdraError';
    this.code = init.code;
    this.disposition = init.disposition;
    this.path = init.path;
    this.fix = init.fix === undefined ? undefined : boundedText(init.fix);
  }

  /** The same error with another field or remedy. */
  with(change: Pick<IdraErrorInit, 'path' | 'fix'>): IdraError {
    const { code, disposition, message, path, fix, cause } = this;
    return new IdraError({ code, disposition, message, path, fix, cause, ...change });
  }
}

/** Shorthands for `throw`. */
export function transient(code: ErrorCode, message: string, more: ErrorMore = {}): IdraError {
  return new IdraError({ code, disposition: 'transient', message, ...more });
}
export function permanent(code: ErrorCode, message: string, more: ErrorMore = {}): IdraError {
  return new IdraError({ code, disposition: 'permanent', message, ...more });
}
/**
 * Columns, types, order, keys or collations of an object differ from the plan (Invariant 11). Thrown before the offset moves; the engine
 * plans again.
 */
export function schemaChanged(
  object: string,
  { what, ...more }: ErrorMore & { readonly what?: string } = {},
): IdraError {
  const change = what === undefined ? '' : `: ${what}`;
  return transient('SchemaChanged', `${object} has changed since it was planned${change}`, more);
}
/** Each look at an object showed another shape than the rows. */
export function changesWhileRead(object: string): IdraError {
  return schemaChanged(object, { what: 'it changes while it is read' });
}
export function fenced(message: string, more: ErrorMore = {}): IdraError {
  return new IdraError({ code: 'Fenced', disposition: 'fenced', message, ...more });
}
export function bug(message: string, more: ErrorMore = {}): IdraError {
  return new IdraError({ code: 'Bug', disposition: 'bug', message, ...more });
}
export type ErrorMore = Pick<IdraErrorInit, 'path' | 'fix' | 'cause'>;

/** Converts anything thrown to an IdraError: whatever is not one already is a bug in Idra. */
export function asIdraError(thrown: unknown): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  // A deadline of Idra or of the runtime: the call may succeed later.
  const isDeadline = thrown instanceof Stopped || (thrown instanceof Error && thrown.name === 'TimeoutError');
  if (isDeadline) return transient('SystemTimeout', `no answer in time (${message})`, { cause: thrown });
  return bug(`unexpected: ${message}`, { cause: thrown });
}

/** One line about an error or a finding: message, then remedy. */
export function describeError(error: Pick<Finding, 'path' | 'message' | 'fix'>): string {
  const where = error.path ? `${error.path}: ` : '';
  return error.fix ? `${where}${error.message}; ${error.fix}` : `${where}${error.message}`;
}

/**
 * One result of validation, `check` or `plan`. Same shape and text in manifest errors, conditions, events, the command line and the API.
 */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: ErrorCode;
  readonly message: string;
  /** `file:line` of the manifest, if it was read from a file. */
  readonly place?: string | undefined;
  /** Field in the object: `spec.source.table`. */
  readonly path?: string | undefined;
  /** What to do; for a missing right, the statement that grants it. */
  readonly fix?: string | undefined;
}

const severities: readonly Finding['severity'][] = ['error', 'warning', 'info'];

/** Sorts errors before warnings and infos. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ severity }: Finding) => severities.indexOf(severity);
  return [...findings].sort((one, other) => rank(one) - rank(other));
}

/** Why something was stopped: the reason of every AbortSignal of ours. */
export type StopReason =
  | 'shutdown'
  | 'drain'
  | 'lease-lost'
  | 'lock-lost'
  | 'spec-changed'
  | 'suspended'
  | 'deleted'
  | 'deadline';

export class Stopped extends Error {
  readonly reason: StopReason;
  constructor(reason: StopReason) {
    super(`stopped: ${reason}`);
    this.name = 'Stopped';
    this.reason = reason;
  }
}
