import type { ErrorEntries } from './entry.ts';

/** Syncs and DataSources as they are written. */
export const manifestCodes = {
  DataSourceInUse: {
    cause: 'A DataSource that Syncs still use cannot be deleted.',
    remedy: 'Delete or change those Syncs first.',
  },
  DataSourceNotFound: {
    cause: 'No DataSource has the name that is referred to.',
    remedy: 'Apply the DataSource, or correct the name (source.dataSource, destination.dataSource).',
  },
  DeletesNotOffered: {
    cause:
      'deletes is Hard or Soft, and the source does not show deletions in this mode, or the destination cannot delete.',
    remedy: 'Use a mode that the message names, or set deletes to Ignore.',
  },
  Deleting: {
    cause: 'The object is being deleted, and remains until its data in other systems is cleaned up.',
    remedy:
      'Wait, or delete the objects that the message names; after 10 minutes the object is released without cleanup.',
  },
  InvalidSpec: {
    cause: 'The spec of the Sync or DataSource is not valid.',
    remedy: 'Correct the fields that the message names and apply again.',
  },
  ManifestInvalid: {
    cause: 'A manifest has a field that is missing, unknown or not valid.',
    remedy: 'Correct the field that the message names; docs/reference.md lists all of them.',
  },
  ModeNotOffered: {
    cause: 'The system does not offer the mode as source, or as destination of a LastDestination mode.',
    remedy: 'Use a mode that the message names.',
  },
  SyncNotFound: {
    cause: 'The Sync does not exist.',
    remedy: 'Correct the name: idra get syncs.',
  },
  WriteModeNotOffered: {
    cause: 'The system does not offer the write mode.',
    remedy: 'Use a write mode that the message names.',
  },
} as const satisfies ErrorEntries;
