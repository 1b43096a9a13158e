import type { ErrorEntries } from './entry.ts';

/** etcd, by which processes coordinate, and what is kept in it. */
export const coordinationCodes = {
  Conflict: {
    cause: 'Another writer has changed the same record in etcd.',
    remedy: 'Nothing: it is read again and retried.',
    systems: ['etcd'],
  },
  DataSourceNotConfirmed: {
    cause: 'A DataSource in etcd differs from its custom resource, so its Secrets are not used.',
    remedy:
      'Nothing if it has just changed: it is retried. Otherwise find out who writes to etcd (SECURITY.md).',
  },
  EpochTooHigh: {
    cause: 'The epoch is above the highest that a token can hold.',
    remedy: 'Check the number given to idra epoch raise.',
    systems: ['etcd'],
  },
  EtcdAuthenticationFailed: {
    cause: 'etcd refuses the user or the password, or requires a user and none is configured.',
    remedy: 'Set IDRA_ETCD_CERT and IDRA_ETCD_KEY, or IDRA_ETCD_USER and IDRA_ETCD_PASSWORD_FILE.',
    systems: ['etcd'],
  },
  EtcdCompacted: {
    cause: 'etcd no longer has the revision from which a watch was to continue.',
    remedy: 'Nothing: everything is read again.',
    systems: ['etcd'],
  },
  EtcdFull: {
    cause: 'etcd refuses writes because its database has reached its quota.',
    remedy: 'Free space or raise the quota, then disarm the alarm (docs/etcd.md); it is retried.',
    systems: ['etcd'],
  },
  EtcdLeaseGone: {
    cause: 'The lease of this process has ended in etcd.',
    remedy:
      'Nothing: the process stops its Syncs and takes a new lease. If it repeats, check the load of etcd and the network.',
    systems: ['etcd'],
  },
  EtcdNotConfigured: {
    cause: 'The address of etcd, or a file for it, is missing or cannot be used.',
    remedy: 'Correct the variable that the message names (IDRA_ETCD_ENDPOINTS and others).',
    systems: ['etcd'],
  },
  EtcdPermissionDenied: {
    cause: 'The etcd user has no right on the keys that the message names.',
    remedy:
      'Run `idra etcd roles` as root with the same IDRA_ETCD_PREFIX, or give the process the certificate or user of its role.',
    systems: ['etcd'],
  },
  EtcdReplaced: {
    cause: 'etcd was restored or recreated: its data is not that of the earlier one.',
    remedy: 'Raise the epoch before agents start (idra epoch raise); see docs/cluster.md.',
    systems: ['etcd'],
  },
  EtcdUnavailable: {
    cause: 'etcd does not answer.',
    remedy: 'Check that etcd runs and can be reached; it is retried.',
    systems: ['etcd'],
  },
  RecordTooLarge: {
    cause: 'A record is larger than etcd accepts.',
    remedy: 'Make the manifest smaller.',
    systems: ['etcd'],
  },
} as const satisfies ErrorEntries;
