/** Constant message plus fields; never row data, never a secret. Normal work is silent. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  /** Lifecycle. */
  info(message: string, fields?: LogFields): void;
  /** Will be retried, and someone may care. */
  warn(message: string, fields?: LogFields): void;
  /** Someone must act. */
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
