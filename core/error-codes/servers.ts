import type { ErrorEntries } from './entry.ts';

/** What a server answers to a statement, whatever the table. */
export const serverCodes = {
  ClusterNotReady: {
    cause: 'The node is not part of the primary component of its cluster.',
    remedy: 'Nothing if it is temporary; otherwise restore the cluster of database servers.',
    systems: ['MySQL', 'MariaDB'],
  },
  Deadlock: {
    cause: 'The server ended the transaction to resolve a deadlock.',
    remedy: 'Nothing: it is retried. If it repeats, look for other writers of the destination table.',
  },
  DiskFull: {
    cause: 'The disk of the server or of the file is full.',
    remedy: 'Free disk space; it is retried.',
  },
  GroupNotVisible: {
    cause: 'The user may not commit positions to the consumer group that shows them to other tools.',
    remedy: 'Run the command that the message names, or ignore it: nothing depends on the group.',
    systems: ['Apache Kafka'],
  },
  LockTimeout: {
    cause: 'A lock at the server was not granted in time.',
    remedy: 'Nothing if it is temporary: it is retried. Else end the transaction that holds it.',
  },
  NoLocalInfile: {
    cause: 'The server does not allow LOAD DATA LOCAL, so rows are written more slowly.',
    remedy: 'SET GLOBAL local_infile = 1',
    systems: ['MySQL', 'MariaDB'],
  },
  NoTransactions: {
    cause: 'The server has no transactions: rows and offset cannot be committed together.',
    remedy:
      'Make the server a replica set, of one member if need be; otherwise nothing: the guarantee is AtLeastOnce.',
    systems: ['MongoDB'],
  },
  ObjectNotReady: {
    cause: 'The server reports that an object is not in the state that the statement needs.',
    remedy: "Read the server's message.",
    systems: ['PostgreSQL'],
  },
  PermissionDenied: {
    cause: 'The user lacks a right at the system.',
    remedy: 'Run the statement that the message names; for the rights on a file, change its owner or mode.',
  },
  QueryInvalid: {
    cause: 'The server refuses a statement, most often source.query.',
    remedy: 'Correct the query; the message contains the error of the server.',
  },
  ReadOnlyServer: {
    cause: 'The server or file is read-only and cannot be written.',
    remedy: 'Point the DataSource at the primary, or use it as a source only.',
  },
  ReadersWait: {
    cause:
      'The database keeps no row versions: a reader waits for transactions that have changed rows, and they wait for it.',
    remedy: 'ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON (or READ_COMMITTED_SNAPSHOT ON).',
    systems: ['SQL Server'],
  },
  ReplicationRefused: {
    cause: "The server's replication plugin refused the commit.",
    remedy: "Read the server's log.",
    systems: ['MySQL'],
  },
  SerializationFailure: {
    cause: 'The server ended the transaction because of a concurrent one.',
    remedy: 'Nothing: it is retried.',
  },
  ServerError: {
    cause: 'The server returned an error without a specific code.',
    remedy: "Read the server's message in the error.",
  },
  ServerFailed: {
    cause: 'The server reports an internal or system error.',
    remedy: "Check the server's log; it is retried.",
  },
  ServerOverloaded: {
    cause: 'The server lacks memory or another resource.',
    remedy: "Check the server's load; it is retried.",
  },
  ServerShutdown: {
    cause: 'The server is shutting down or starting.',
    remedy: 'Nothing: it is retried.',
  },
  SourceWrites: {
    cause:
      'The query, or a function that a view or policy calls, writes data, but sources are read in read-only transactions.',
    remedy: 'Change the query, view or policy so that it only reads.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB'],
  },
  StatementCancelled: {
    cause: 'The server cancelled a statement because of a time limit, or an administrator cancelled it.',
    remedy: 'Raise the time limit of the user if it repeats; it is retried.',
  },
  TransactionRolledBack: {
    cause: 'The server rolled the transaction back.',
    remedy: 'Nothing: it is retried.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB', 'SQL Server'],
  },
  TransactionsNotAllowed: {
    cause: 'The brokers have no transactions, or the user may not use them: messages arrive at least once.',
    remedy: 'Run the command that the message names.',
    systems: ['Apache Kafka'],
  },
} as const satisfies ErrorEntries;
