/** The statuses that scripts can rely on (contract, section 6). */
export const exitStatus = {
  ok: 0,
  /** A sync failed or a system cannot be reached; for `plan`: there is something to do. */
  failed: 1,
  /** The manifest or the call is wrong. */
  inputWrong: 2,
  /** No etcd, cluster or agent to connect to. */
  unavailable: 3,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
