/** etcd cannot be used: agents can neither report nor learn of changes. */
export interface Outage {
  /** EtcdFull: it answers, but refuses writes. */
  readonly reason: 'EtcdUnavailable' | 'EtcdFull';
  /** ISO 8601 UTC. */
  readonly since: string;
  readonly message: string;
}

export function describeOutage({ reason, since, message }: Outage): string {
  return reason === 'EtcdFull'
    ? `etcd has accepted no writes since ${since}; ${stateUnknown(message)}`
    : `etcd has not answered since ${since}; nothing runs and the state is unknown: ${message}`;
}

/** While etcd is full. */
export function stateUnknown(message: string): string {
  return `agents cannot report, so the state is unknown: ${message}`;
}
