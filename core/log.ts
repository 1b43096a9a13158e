/** A constant message plus fields; never row data, never a secret. Normal work logs nothing. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  /** Lifecycle events. */
  info(message: string, fields?: LogFields): void;
  /** A problem that is retried and may be of interest. */
  warn(message: string, fields?: LogFields): void;
  /** A problem that requires action. */
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
