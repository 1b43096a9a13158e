import type { ErrorEntries } from './entry.ts';

/** The command line, and the state file of idra run. */
export const commandCodes = {
  CallInvalid: {
    cause: 'A command was called with an argument or option that it does not know.',
    remedy: 'Use one that the message names; idra COMMAND --help lists all of them.',
    systems: ['command line'],
  },
  FileUnreadable: {
    cause: 'A file or folder of manifests cannot be read, or contains none.',
    remedy: 'Give a file or folder that can be read.',
    systems: ['command line'],
  },
  InputWrong: {
    cause: 'The manifests or arguments have errors.',
    remedy: 'Correct each problem that is listed.',
    systems: ['command line'],
  },
  ManifestUnreadable: {
    cause: 'A file is not YAML or JSON.',
    remedy: 'Correct the syntax at the line that the message names.',
    systems: ['command line'],
  },
  NoTarget: {
    cause: 'No manifests, cluster or state file are given.',
    remedy: 'Give -f PATH, --state FILE, or set IDRA_ETCD_ENDPOINTS.',
    systems: ['command line'],
  },
  NotConfirmed: {
    cause: 'The confirmation was refused, and nothing was done.',
    remedy: 'Repeat the command and answer y, or use --yes.',
    systems: ['command line'],
  },
  NotOfferedHere: {
    cause: 'The operation is not available in this mode (single or cluster).',
    remedy: 'Use the alternative that the message names.',
    systems: ['command line'],
  },
  SecretTaken: {
    cause: 'A Secret for a certificate of etcd already exists and was not created by Idra.',
    remedy: 'Rename or delete it, or choose other names with --secrets.',
    systems: ['command line'],
  },
  StateFromNewerVersion: {
    cause: 'The state file was written by a newer version of Idra.',
    remedy: 'Run that version, or use another --state.',
    systems: ['command line'],
  },
  StateLocked: {
    cause: 'Another process uses the state file.',
    remedy: 'Stop that process, or use another --state.',
    systems: ['command line'],
  },
  StateNotWritten: {
    cause: 'The state file cannot be written: its disk is full, or its permissions have changed.',
    remedy: 'Free disk space, or allow the user of Idra to write to it; it is retried.',
    systems: ['command line'],
  },
  StateUnreadable: {
    cause: 'The state file cannot be opened.',
    remedy: 'Check its permissions, or use another --state.',
    systems: ['command line'],
  },
  StillThere: {
    cause: 'A deleted Sync was not closed by an agent in time.',
    remedy: 'Start an agent and repeat the command.',
    systems: ['command line'],
  },
  YesNeeded: {
    cause: 'The command requires confirmation, and there is no terminal.',
    remedy: 'Repeat with --yes.',
    systems: ['command line'],
  },
} as const satisfies ErrorEntries;
