/**
 * Every code of an error or a finding, and every reason of a condition that something is wrong, with its cause and what to do.
 * docs/errors.md is generated from it. A new code is one more entry here, in alphabetical order.
 */
export interface ErrorEntry {
  /** One sentence. */
  readonly cause: string;
  /** What to do; "Nothing" where Idra goes on by itself. */
  readonly remedy: string;
  /** Left out: all of them. */
  readonly systems?: readonly string[];
}

export const errorCodes = {
  AgentNameTaken: {
    cause: 'Another live agent has registered under the same name.',
    remedy:
      'Give each agent a name of its own (IDRA_AGENT_NAME); an agent that has just died frees its name when its lease ends.',
    systems: ['etcd'],
  },
  AgentNotFound: {
    cause: 'No agent of this name is registered.',
    remedy: 'List the agents with idra get agents.',
    systems: ['command line'],
  },
  AuthenticationFailed: {
    cause: 'The server refuses the user or the password.',
    remedy:
      "Correct user and passwordSecretRef of the DataSource, and let the user log in from the agents' addresses.",
  },
  Bug: {
    cause: 'An error that Idra does not expect.',
    remedy: 'Report it with the log line, which has the stack.',
  },
  CallInvalid: {
    cause: 'A command was called with an argument or option that it does not know.',
    remedy: 'Use what the message names; idra COMMAND --help lists all of it.',
    systems: ['command line'],
  },
  CertificateUntrusted: {
    cause: "The server's certificate does not verify.",
    remedy:
      'Set tls.caSecretRef to the authority that signed it, or the host to a name that the certificate has.',
  },
  CharacterNotKept: {
    cause: "A text has a character that the character set of the destination's column does not have.",
    remedy:
      'Change the column to utf8mb4 (ALTER TABLE ... MODIFY), correct the row at the source, or set onError to Skip.',
    systems: ['MySQL', 'MariaDB'],
  },
  ClaimBusy: {
    cause: 'The session of an earlier owner of the Sync still holds the commit row.',
    remedy: 'Nothing: it is retried. If it stays, end that session at the server.',
  },
  CleanupIncomplete: {
    cause: 'What a deleted Sync left in a system could not be removed in time.',
    remedy: 'Run the statement that the event names.',
    systems: ['Kubernetes'],
  },
  Closed: {
    cause: 'The connection was closed while it was used, because the Sync stops.',
    remedy: 'Nothing: it is opened again when the Sync runs.',
    systems: ['SQLite'],
  },
  ClusterNotReady: {
    cause: 'The node is not part of the primary component of its cluster.',
    remedy: 'Nothing if it passes; else bring the cluster of database servers back.',
    systems: ['MySQL', 'MariaDB'],
  },
  ColumnIgnored: {
    cause:
      'A column of the source is missing in the destination table and is left out (schemaChanges: Ignore).',
    remedy: 'Nothing if that is wanted; else add the column, or set schemaChanges to AddColumns.',
  },
  ColumnMissing: {
    cause: 'A column of the source is missing in the destination table.',
    remedy: 'Add the column, or set schemaChanges to AddColumns or Ignore.',
  },
  ColumnTooNarrow: {
    cause: "A column of the destination table does not keep every value of the source's column.",
    remedy: 'Widen the column of the destination, or cast in source.query.',
  },
  ColumnUnfilled: {
    cause: 'The destination table has a NOT NULL column without a default that the source does not have.',
    remedy: 'Give the column a default, or add it to the source with a query.',
  },
  CommitRowGone: {
    cause: 'The row of _idra_commits that the Sync had claimed was deleted.',
    remedy: 'Restore the row, or restart the Sync: idra restart NAME.',
  },
  CommitTableNewer: {
    cause: 'The table _idra_commits has a layout of a newer version of Idra.',
    remedy: 'Run that version of Idra, or a newer one.',
  },
  Conflict: {
    cause: 'Another writer has changed the same record in etcd meanwhile.',
    remedy: 'Nothing: it is read again and retried.',
    systems: ['etcd'],
  },
  ConnectionLost: {
    cause: 'The connection to the server ended while it was used.',
    remedy:
      "Nothing if the server or network was restarted: it is retried. If it repeats, look at the server's log.",
  },
  ConstraintViolated: {
    cause: 'A constraint of the destination table refuses a row.',
    remedy: 'Correct the row at the source or the constraint at the destination, or set onError to Skip.',
  },
  DataSourceInUse: {
    cause: 'A DataSource that Syncs still use cannot be deleted.',
    remedy: 'Delete or change those Syncs first.',
  },
  DataSourceNotFound: {
    cause: 'No DataSource has the name that is referred to.',
    remedy: 'Apply the DataSource, or correct the name (source.dataSource, destination.dataSource).',
  },
  DataSourceQuarantined: {
    cause: 'Two agents have ended, one after the other, while they opened the DataSource.',
    remedy: "Correct the DataSource or the server behind it, and report what the agents' last log lines say.",
    systems: ['etcd'],
  },
  DatabaseNotFound: {
    cause: 'The server has no database of this name.',
    remedy: 'Correct the name in the DataSource, or create the database.',
  },
  Deadlock: {
    cause: 'The server ended the transaction to resolve a deadlock.',
    remedy: 'Nothing: it is retried. If it repeats, look for other writers of the destination table.',
  },
  DependentObjects: {
    cause: 'Objects such as views depend on the table that Replace swaps out.',
    remedy: 'Remove what depends on the table, or use writeMode Upsert.',
    systems: ['PostgreSQL'],
  },
  DestinationFieldDiffers: {
    cause:
      'The field that a LastDestination mode reads the largest value of, or a text of the key beside it, has another type or collation at the destination.',
    remedy: 'Give both the same type, precision and collation, or use mode Id or Timestamp.',
  },
  DestinationNotEmpty: {
    cause: 'The destination table has rows and no offset of this Sync, and Append would write beside them.',
    remedy: 'Empty the table, use Upsert, or name where to go on: idra offset set NAME VALUE.',
  },
  DiskFull: {
    cause: 'The disk of the server or file is full.',
    remedy: 'Make room; it is retried.',
  },
  EnvironmentInvalid: {
    cause: 'An environment variable of the process has a value that cannot be used.',
    remedy: 'Correct the variable that the message names.',
  },
  EpochTooHigh: {
    cause: 'The epoch is above the highest that a token can hold.',
    remedy: 'Check the number given to idra epoch raise.',
    systems: ['etcd'],
  },
  EtcdAuthenticationFailed: {
    cause: 'etcd does not know the user or the password.',
    remedy: 'Correct IDRA_ETCD_USER and IDRA_ETCD_PASSWORD.',
    systems: ['etcd'],
  },
  EtcdCompacted: {
    cause: 'etcd no longer has the revision that a watch wanted to go on from.',
    remedy: 'Nothing: everything is read again.',
    systems: ['etcd'],
  },
  EtcdLeaseGone: {
    cause: 'The lease of this process has ended in etcd.',
    remedy:
      'Nothing: the process stops its Syncs and takes a new lease. If it repeats, look at the load of etcd and the network.',
    systems: ['etcd'],
  },
  EtcdNotConfigured: {
    cause: 'The address of etcd, or a file for it, is missing or cannot be used.',
    remedy: 'Correct the variable that the message names (IDRA_ETCD_ENDPOINTS and others).',
    systems: ['etcd'],
  },
  EtcdPermissionDenied: {
    cause: "The etcd user has no rights on Idra's keys.",
    remedy: "Grant the user read and write on the prefix of Idra's keys.",
    systems: ['etcd'],
  },
  EtcdReplaced: {
    cause: 'The etcd is not the one of before: it was restored or created again.',
    remedy: 'Raise the epoch before agents start (idra epoch raise); see docs/cluster.md.',
    systems: ['etcd'],
  },
  EtcdUnavailable: {
    cause: 'etcd gives no answer.',
    remedy: 'Check that etcd runs and can be reached; it is retried.',
    systems: ['etcd'],
  },
  Fenced: {
    cause: 'A newer owner of the Sync has claimed the destination.',
    remedy: 'Nothing: this run stops, and the newer one goes on.',
  },
  FieldNotFound: {
    cause: 'The relation has no column of the name that idField, timestampField or a key refers to.',
    remedy: 'Use one of the columns that the message lists.',
  },
  FieldNotOrdered: {
    cause: 'The values of the field do not ascend in an order that can be read from.',
    remedy: 'Use an integer or another ascending field, or mode Timestamp or Snapshot.',
  },
  FieldNotTimestamp: {
    cause: 'The timestampField is not a timestamp.',
    remedy: 'Name a timestamp column, or use mode Id.',
  },
  FieldValueInvalid: {
    cause: 'The Kubernetes API refuses a manifest by a rule between fields.',
    remedy: 'Correct the field that the message names.',
    systems: ['Kubernetes'],
  },
  FileBusy: {
    cause: 'Another process holds the lock of the SQLite file.',
    remedy:
      'Nothing: it is retried. A process that was stopped in the middle of a transaction keeps the lock until it goes on or ends.',
    systems: ['SQLite'],
  },
  FileCorrupt: {
    cause: 'The SQLite file is damaged.',
    remedy: 'See PRAGMA integrity_check and https://sqlite.org/recovery.html.',
    systems: ['SQLite'],
  },
  FileMissing: {
    cause: 'The SQLite file does not exist yet; it is created when a Sync writes to it.',
    remedy: 'Nothing if it is a destination; else correct sqlite.path.',
    systems: ['SQLite'],
  },
  FileNotOpened: {
    cause: 'The SQLite file cannot be opened.',
    remedy: 'Give the user of the process read and write rights on the file and its folder.',
    systems: ['SQLite'],
  },
  FileUnreadable: {
    cause: 'A file or folder of manifests cannot be read, or has none.',
    remedy: 'Give a file or folder that can be read.',
    systems: ['command line'],
  },
  FolderNotFound: {
    cause: 'The folder of the SQLite file does not exist.',
    remedy: 'Create the folder, or correct sqlite.path.',
    systems: ['SQLite'],
  },
  HasChildren: {
    cause:
      'The source table has child tables, whose rows are read with its own, so that its keys are not unique for them all.',
    remedy:
      'Name the columns that identify a row in source.key, or read the table alone by a query with FROM ONLY.',
    systems: ['PostgreSQL'],
  },
  HeldBack: {
    cause:
      'Rows are at the source that a transaction which is still open, or safetyLag, keeps from being read.',
    remedy: 'Nothing if it passes; else end the transaction that the message names.',
  },
  HistoryNeedsNoKey: {
    cause:
      'Append in a timestamp mode writes a row for each version, and a unique key of the destination allows one.',
    remedy: 'Use Upsert, or a destination table without that key.',
  },
  HostBlocked: {
    cause: 'The server has blocked this host after many failed connections.',
    remedy: 'Run FLUSH HOSTS at the server.',
    systems: ['MySQL', 'MariaDB'],
  },
  HostUnreachable: {
    cause: 'No connection can be opened to the host and port.',
    remedy: "Check host and port, that the server runs, and that the agents' network reaches it.",
  },
  IdNotUnique: {
    cause:
      'Several rows may have one value of idField: rows are paged by idField and source.key, and a later row of the largest id with a smaller key is not read.',
    remedy: 'Name a unique idField, or make it unique by the statement of the message.',
  },
  IdsAreReused: {
    cause: 'SQLite may give the id of a deleted row to a new one, which a mode by id does not read.',
    remedy: 'Declare the column INTEGER PRIMARY KEY AUTOINCREMENT, or use mode Timestamp.',
    systems: ['SQLite'],
  },
  InUse: {
    cause: 'A deleted DataSource stays until no Sync uses it.',
    remedy: 'Delete or change the Syncs that the message names.',
    systems: ['Kubernetes'],
  },
  InputWrong: {
    cause: 'The manifests or arguments have errors.',
    remedy: 'Correct each place that is listed.',
    systems: ['command line'],
  },
  InvalidSpec: {
    cause: 'The spec of the Sync or DataSource is not valid.',
    remedy: 'Correct the fields that the message names and apply again.',
  },
  KeyCoarser: {
    cause:
      'A key of the destination takes rows for equal that differ at the source (by its collation, or because it has fewer columns), so that they would overwrite each other or be refused as duplicates.',
    remedy:
      'Give the key column a type and collation that tell all values apart, or set destination.key to a key of the source.',
  },
  KeyMissing: {
    cause:
      'The write mode or mode needs a key, and the relation has no primary key and no unique index over NOT NULL columns.',
    remedy: 'Name the columns that identify a row in source.key or destination.key.',
  },
  KeyNotOrdered: {
    cause: 'A key column holds values that cannot be paged by.',
    remedy: 'Correct the value, or use another key.',
    systems: ['SQLite'],
  },
  KeyNotUnique: {
    cause:
      'No key says that two rows always differ in the columns that rows are paged by, or two rows with equal ones were found.',
    remedy: 'Name columns in source.key that identify a row, or create the unique index of the message.',
  },
  KeyNotWritten: {
    cause:
      'A column of the key, or the column that the offset comes from, is not written to the destination.',
    remedy: 'Add the column to the destination table, or name other key columns.',
  },
  KeyNullable: {
    cause: 'A key column may be NULL or is NULL in a row, and such rows have no place in the order.',
    remedy: 'Make the column NOT NULL, or name other columns in source.key.',
  },
  KeyTooLong: {
    cause: 'The key of the table to be created is longer than the server allows.',
    remedy: 'Create the table yourself with shorter key columns.',
    systems: ['MySQL', 'MariaDB'],
  },
  KeyTwiceInBatch: {
    cause: 'Two rows of one statement have the same key.',
    remedy: 'Make the key unique at the source.',
    systems: ['PostgreSQL'],
  },
  KubeconfigUnreadable: {
    cause: 'The kubeconfig file cannot be read.',
    remedy: 'Correct KUBECONFIG or the file.',
    systems: ['Kubernetes'],
  },
  KubernetesAlreadyExists: {
    cause: 'The object to be created exists.',
    remedy: 'Nothing: it is read and retried.',
    systems: ['Kubernetes'],
  },
  KubernetesConflict: {
    cause: 'Somebody else has changed the object meanwhile.',
    remedy: 'Nothing: it is read again and retried.',
    systems: ['Kubernetes'],
  },
  KubernetesExpired: {
    cause: 'The API server no longer has the resource version of a list or watch.',
    remedy: 'Nothing: everything is listed again.',
    systems: ['Kubernetes'],
  },
  KubernetesForbidden: {
    cause: 'The service account lacks a right.',
    remedy: "Grant what the message names; the chart's ClusterRole has it.",
    systems: ['Kubernetes'],
  },
  KubernetesInvalid: {
    cause: 'The API server refuses the object or request.',
    remedy:
      'Read the message of the API server; the custom resources may be of another version (helm upgrade).',
    systems: ['Kubernetes'],
  },
  KubernetesNotFound: {
    cause: 'The API server has no such object or resource.',
    remedy: 'Check that the custom resources are installed and the object exists.',
    systems: ['Kubernetes'],
  },
  KubernetesThrottled: {
    cause: 'The API server asks for fewer requests.',
    remedy: 'Nothing: it is retried later.',
    systems: ['Kubernetes'],
  },
  KubernetesTimeout: {
    cause: 'The API server did not answer in time.',
    remedy: 'Nothing if it passes: it is retried.',
    systems: ['Kubernetes'],
  },
  KubernetesUnauthorized: {
    cause: 'The API server does not accept the credentials.',
    remedy: 'Correct the service account or the kubeconfig.',
    systems: ['Kubernetes'],
  },
  KubernetesUnavailable: {
    cause: 'The API server reports an error of its own.',
    remedy: 'Nothing if it passes: it is retried.',
    systems: ['Kubernetes'],
  },
  KubernetesUnreachable: {
    cause: 'The API server cannot be reached, or its certificate is refused.',
    remedy: 'Check the network and the kubeconfig.',
    systems: ['Kubernetes'],
  },
  LateRowsBySafetyLag: {
    cause:
      'Open transactions of the source cannot be seen, so only safetyLag covers rows that are committed late.',
    remedy: 'Grant the right that the message names, or set safetyLag longer than transactions last.',
  },
  LockTimeout: {
    cause: 'A lock at the server was not granted in time.',
    remedy: 'Nothing if it passes: it is retried. Else end the transaction that holds it.',
  },
  ManifestInvalid: {
    cause: 'A manifest has a field that is missing, unknown or wrong.',
    remedy: 'Correct the field that the message names; docs/reference.md lists all of them.',
  },
  ManifestUnreadable: {
    cause: 'A file is not YAML or JSON.',
    remedy: 'Correct the syntax at the place that is named.',
    systems: ['command line'],
  },
  ModeNotOffered: {
    cause: 'The system does not offer the mode as source, or as destination of a LastDestination mode.',
    remedy: 'Use a mode that the message names.',
  },
  NameInvalid: {
    cause: 'The name of a table is not one that the system can have.',
    remedy: 'Correct source.table or destination.table.',
  },
  NameTooLong: {
    cause: 'A table or column is to be created under a name that is longer than the destination keeps.',
    remedy: 'Rename the column in source.query, or choose a shorter name for the table.',
  },
  NamesCollide: {
    cause: 'Two columns have names that are one for the destination, which ignores case.',
    remedy: 'Rename one of them in source.query.',
  },
  NoAgent: {
    cause: 'No agent is running.',
    remedy: "Check that the agents' pods are up and reach etcd.",
  },
  NoAgentAnswered: {
    cause: 'No agent has answered a check, plan or list of tables in time.',
    remedy: 'Check that an agent runs and can reach the system (idra get agents).',
  },
  NoCluster: {
    cause: 'No Kubernetes cluster is configured here.',
    remedy: 'Set KUBECONFIG or run in a pod with a service account.',
    systems: ['Kubernetes'],
  },
  NoColumns: {
    cause: 'The table or view at the source has no columns.',
    remedy: 'Name a table with columns.',
  },
  NoEligibleAgent: {
    cause: 'No agent has the labels that the DataSources ask for.',
    remedy: 'Start an agent with these labels, or change agentLabels of the DataSource.',
  },
  NoLocalInfile: {
    cause: 'The server does not allow LOAD DATA LOCAL, so rows are written more slowly.',
    remedy: 'SET GLOBAL local_infile = 1',
    systems: ['MySQL', 'MariaDB'],
  },
  NoUniqueIndex: {
    cause: 'The destination table has no primary key or unique index on the key that Upsert uses.',
    remedy: 'Create a unique index on these columns.',
  },
  NotADatabase: {
    cause: 'The file is not a SQLite database, or it is encrypted.',
    remedy: 'Set sqlite.path to a SQLite database file.',
    systems: ['SQLite'],
  },
  NotATable: {
    cause: 'The destination is a view or another object that rows are not written to.',
    remedy: 'Name a table.',
  },
  NotChecked: {
    cause: 'No agent has checked the DataSource yet.',
    remedy: 'Wait a moment; if it stays, check that an agent runs that can reach it.',
  },
  NotClaimed: {
    cause: 'The thread of a SQLite file was ended and has lost its claim.',
    remedy: 'Nothing: the Sync claims again.',
    systems: ['SQLite'],
  },
  NotConfirmed: {
    cause: 'The question was not answered with yes, and nothing was done.',
    remedy: 'Repeat and answer y, or give --yes.',
    systems: ['command line'],
  },
  NotKeptByReplace: {
    cause: 'Something of the destination table does not survive that Replace puts a new table in its place.',
    remedy: 'Use writeMode Upsert, or run the statement of the message after each pass.',
  },
  NotNullAtDestination: {
    cause: "A column of the destination is NOT NULL, and the source's may be NULL.",
    remedy: 'Allow NULL at the destination, or accept that such rows are handled by onError.',
  },
  NotOfferedHere: {
    cause: 'What was asked for is not offered in this mode of running.',
    remedy: 'Do what the message names instead.',
    systems: ['command line'],
  },
  NotSuspended: {
    cause: 'An offset is changed by hand only while the Sync is suspended.',
    remedy: 'Suspend the Sync first: idra suspend NAME.',
  },
  NotTransactional: {
    cause: 'The destination table has a storage engine without transactions.',
    remedy: 'ALTER TABLE ... ENGINE = InnoDB',
    systems: ['MySQL', 'MariaDB'],
  },
  NothingToSpeakTo: {
    cause: 'There are neither manifests nor a cluster nor a state file to ask.',
    remedy: 'Give -f PATH, --state FILE, or set IDRA_ETCD_ENDPOINTS.',
    systems: ['command line'],
  },
  NothingToUndo: {
    cause: 'No change of the offset by hand is kept for the Sync.',
    remedy: 'Set the offset: idra offset set NAME VALUE.',
  },
  ObjectNotReady: {
    cause: 'The server reports that an object is not in the state that the statement needs.',
    remedy: "Read the server's message.",
    systems: ['PostgreSQL'],
  },
  OffsetInvalid: {
    cause: "A value is not an offset of the Sync's mode and column types.",
    remedy: 'Give a value as idra offset get prints it.',
  },
  OffsetMoved: {
    cause: 'The stored offset is not the one that was expected.',
    remedy: 'Read it again (idra offset get NAME) and repeat with --expect.',
  },
  OffsetNoLongerFits: {
    cause:
      'The mode, source or field of the Sync changed, and the stored offset belongs to what was there before.',
    remedy:
      'Restart from the beginning (idra restart NAME), or go on from it all the same (idra keep-offset NAME).',
  },
  OffsetNotKept: {
    cause: 'The mode keeps no offset that could be set.',
    remedy: 'Change the rows at the destination, or use mode Id or Timestamp.',
  },
  OffsetUnreadable: {
    cause: 'The stored offset was written by a version of Idra that this one does not understand.',
    remedy: 'Run the newer version, or idra restart NAME.',
  },
  OffsetWentBack: {
    cause:
      'A batch would have moved the offset to where it stood already, or behind it. Nothing of it was written.',
    remedy: 'Report it as a bug of Idra, with the type of the columns that the Sync pages by.',
  },
  ParameterInvalid: {
    cause: 'A connection parameter of the DataSource has a value that cannot be used.',
    remedy: 'Correct it in parameters.',
  },
  ParameterUnknown: {
    cause: 'A connection parameter of the DataSource is not one that can be set.',
    remedy: 'Remove it, or use one that the message lists.',
  },
  PartitionMissing: {
    cause: 'No partition of the destination table takes the row.',
    remedy: 'Create the partition, or a DEFAULT one.',
    systems: ['PostgreSQL'],
  },
  PathMissing: {
    cause: 'The DataSource of a SQLite file has no path.',
    remedy: 'Set sqlite.path.',
    systems: ['SQLite'],
  },
  PermissionDenied: {
    cause: 'The user lacks a right at the system.',
    remedy: 'Grant it; idra check prints the statement.',
  },
  PoolerNotSupported: {
    cause:
      'The address is that of a connection pooler such as pgbouncer, which gives each transaction another session.',
    remedy: 'Set host and port of the DataSource to those of the PostgreSQL server.',
    systems: ['PostgreSQL'],
  },
  ProtocolBroken: {
    cause: 'The server sent what its protocol does not allow, and the connection was closed.',
    remedy:
      'Check that host and port belong to a server of the type of the DataSource, and that no proxy between changes what it sends.',
  },
  QueryInvalid: {
    cause: 'The server refuses a statement, most often source.query.',
    remedy: 'Correct the query; the message has what the server says.',
  },
  RaisedByTrigger: {
    cause:
      'A trigger or function of the database has raised an error of its own. Its text may hold row data and is not shown.',
    remedy: "Read the text in the server's log, and correct the rows or the trigger.",
  },
  ReadOnlyServer: {
    cause: 'The server or file is read-only and cannot be written.',
    remedy: 'Point the DataSource at the primary, or use it as a source only.',
  },
  ReadWriteFailed: {
    cause: 'Reading or writing the SQLite file failed.',
    remedy: 'Look at the disk and file system; it is retried.',
    systems: ['SQLite'],
  },
  ReconcileTimeout: {
    cause: 'The operator could not reconcile an object in time.',
    remedy: 'Nothing if it passes: it is retried.',
    systems: ['Kubernetes'],
  },
  RecordTooLarge: {
    cause: 'A record is larger than etcd takes.',
    remedy: 'Make the manifest smaller.',
    systems: ['etcd'],
  },
  ReferencesNotChecked: {
    cause: 'Other tables refer to the table that Replace swaps, and their foreign keys are not checked.',
    remedy: 'Run PRAGMA foreign_key_check after a pass, or use Upsert.',
    systems: ['SQLite'],
  },
  ReplaceBreaksForeignKey: {
    cause: 'A foreign key refers to the table that Replace takes away.',
    remedy: 'Use Upsert, or drop the foreign key.',
    systems: ['MySQL', 'MariaDB'],
  },
  ReplaceCountDiffers: {
    cause:
      'The new table of a Replace pass does not hold the rows that were written to it, and it is not swapped in.',
    remedy:
      'Look for what else writes to the shadow table, or for rows that a unique key drops; the pass begins again.',
  },
  ReplicationRefused: {
    cause: "The server's replication plugin refused the commit.",
    remedy: "Read the server's log.",
    systems: ['MySQL'],
  },
  RequestInvalid: {
    cause: 'A request annotation, or the offset in it, cannot be understood.',
    remedy: 'Write it as the example in the message.',
  },
  RequestRefused: {
    cause: 'A request such as restart or offset set was refused.',
    remedy: 'Do what the message says and ask again.',
  },
  RequestUnanswered: {
    cause: 'No agent has carried out the request in time; it stays and is carried out later.',
    remedy: 'Check that an agent runs: idra get agents.',
  },
  RowSecurity: {
    cause: 'Row security hides rows of the source from the user.',
    remedy: 'Grant a role with BYPASSRLS, or add a policy that shows all rows to it.',
    systems: ['PostgreSQL'],
  },
  RowTooLarge: {
    cause: 'A row is larger than max_allowed_packet of the server.',
    remedy: 'Raise max_allowed_packet above the largest row.',
    systems: ['MySQL', 'MariaDB'],
  },
  RowTooWide: {
    cause: 'The columns of the table to be created are together wider than a row may be.',
    remedy: 'Create the table yourself with TEXT columns, or leave columns out.',
    systems: ['MySQL', 'MariaDB'],
  },
  ScanEnded: {
    cause: 'A read of the SQLite file was ended, because the Sync stops.',
    remedy: 'Nothing: it reads again when it runs.',
    systems: ['SQLite'],
  },
  SchemaChanged: {
    cause: 'A table changed while the Sync used it.',
    remedy: 'Nothing: the Sync plans again, and goes on or stops by schemaChanges.',
  },
  SchemaNotFound: {
    cause: 'The database has no schema of this name, or the user may not see it.',
    remedy: 'Correct the name, or grant the right.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB'],
  },
  SecretForbidden: {
    cause: 'The Secret may not be read from here.',
    remedy: "Grant the agents' service account the right, or add the namespace to those that they watch.",
  },
  SecretKeyNotFound: {
    cause: 'The Secret has no such key.',
    remedy: 'Add the key, or correct secretRef.key.',
  },
  SecretNotFound: {
    cause: 'There is no Secret of this name.',
    remedy: 'Create the Secret in the namespace of the DataSource, or correct the reference.',
  },
  SecretUnavailable: {
    cause: 'The Secret cannot be read at the moment.',
    remedy: 'Nothing if it passes: it is retried.',
  },
  SerializationFailure: {
    cause: 'The server ended the transaction because of a concurrent one.',
    remedy: 'Nothing: it is retried.',
  },
  ServerError: {
    cause: 'The server answered with an error that has no entry of its own.',
    remedy: "Read the server's message in the error.",
  },
  ServerFailed: {
    cause: 'The server reports an internal or system error.',
    remedy: "Look at the server's log; it is retried.",
  },
  ServerOverloaded: {
    cause: 'The server lacks memory or another resource.',
    remedy: "Look at the server's load; it is retried.",
  },
  ServerShutdown: {
    cause: 'The server is shutting down or starting.',
    remedy: 'Nothing: it is retried.',
  },
  ServerTooOld: {
    cause: 'The server is older than what Idra works with.',
    remedy: 'Upgrade the server.',
  },
  SessionNotEnded: {
    cause: 'The session of an earlier owner could not be ended.',
    remedy: 'End it at the server (KILL), or grant the right to.',
    systems: ['MySQL', 'MariaDB'],
  },
  ShadowMissing: {
    cause: 'The table that holds the rows of an unfinished Replace pass is gone.',
    remedy: 'Nothing where the pass begins again by itself; else run idra restart NAME.',
  },
  SourceBehindOffset: {
    cause:
      'The largest id or timestamp at the source is below the stored offset: ids have started again, the source was restored, or its newest rows were deleted.',
    remedy:
      'Run idra restart NAME, or set the offset to the value of the message; the Sync goes on by itself when a larger value arrives.',
  },
  SourceFileNotFound: {
    cause: 'The SQLite file to read from does not exist.',
    remedy: 'Correct sqlite.path, or create the file.',
    systems: ['SQLite'],
  },
  Standby: {
    cause: 'The server is a standby: only safetyLag covers rows that are committed late.',
    remedy: 'Read from the primary, or set safetyLag.',
    systems: ['PostgreSQL'],
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
  StateUnreadable: {
    cause: 'The state file cannot be opened.',
    remedy: 'Check its rights, or give another --state.',
    systems: ['command line'],
  },
  StatementCancelled: {
    cause: "The server cancelled a statement, by a limit on its time or by somebody's hand.",
    remedy: 'Raise the time limit of the user if it repeats; it is retried.',
  },
  StillThere: {
    cause: 'A deleted Sync was not closed by an agent in time.',
    remedy: 'Start an agent and repeat the call.',
    systems: ['command line'],
  },
  SummerTime: {
    cause: 'The timestamp column has no zone, and the zone of the source sets its clocks back once a year.',
    remedy: 'Set safetyLag to 1h or more, or source.timeZone to UTC if that is what the column holds.',
  },
  SyncNotFound: {
    cause: 'There is no Sync of this name.',
    remedy: 'Correct the name: idra get syncs.',
  },
  SystemNotAvailable: {
    cause: 'The type of system is not offered in this version.',
    remedy: 'Use one of the types that the message lists.',
  },
  SystemTimeout: {
    cause: 'The system did not answer in time.',
    remedy:
      'Check the network and the load of the system; where statements take long, raise parameters.socket_timeout of the DataSource.',
  },
  TableNotFound: {
    cause: 'The table or view does not exist, or the user may not see it.',
    remedy: 'Correct the name, grant the right, or set createTable to IfMissing for a destination.',
  },
  TableUnlogged: {
    cause: 'The destination table is UNLOGGED: a crash of the server empties it while the offset stays.',
    remedy: 'ALTER TABLE ... SET LOGGED',
    systems: ['PostgreSQL'],
  },
  ThreadEnded: {
    cause: 'The thread that works on a SQLite file ended.',
    remedy: 'Nothing: it is started again.',
    systems: ['SQLite'],
  },
  TimeZoneAssumed: {
    cause:
      'The timestampField has no time zone and is read in the zone that the server gives to new sessions.',
    remedy: 'Set source.timeZone to the zone of the sessions that write the column.',
  },
  TimeZoneUnknown: {
    cause: "The server's time zone, in which a timestampField without zone is read, is none that Idra knows.",
    remedy: 'Set source.timeZone, to a name such as Europe/Rome or an offset such as +09:00.',
  },
  TimestampNotText: {
    cause: 'The timestampField of a SQLite table holds no times as text.',
    remedy: 'Store times as text like 2026-11-24 08:00:00, or name another field.',
    systems: ['SQLite'],
  },
  TimestampShapesMixed: {
    cause: 'The times in a SQLite column are written in several forms, and text does not sort by time then.',
    remedy: 'Write them all in one form with the UPDATE of the message.',
    systems: ['SQLite'],
  },
  TlsNotOffered: {
    cause: 'The server offers no TLS, and tls.mode asks for it.',
    remedy: 'Turn TLS on at the server, or set tls.mode to Prefer or Disable.',
  },
  TlsRequired: {
    cause: 'The server accepts TLS connections only.',
    remedy: 'Set tls.mode to Require or stricter.',
    systems: ['MySQL', 'MariaDB'],
  },
  TooManyConnections: {
    cause: 'The server or the user has no free connection.',
    remedy: 'Lower maxConcurrentSyncs of the DataSource, or raise the limit of the server; it is retried.',
  },
  TransactionRolledBack: {
    cause: 'The server rolled the transaction back.',
    remedy: 'Nothing: it is retried.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB'],
  },
  TriggersNotFired: {
    cause: 'Replace keeps the triggers of the table and fires none of them for its rows.',
    remedy: 'Use Upsert if the triggers must fire.',
    systems: ['SQLite'],
  },
  TypeMisfits: {
    cause: "Some values of the source's type do not fit the destination's type.",
    remedy: 'Accept that such rows are handled by onError, or create the column with another type.',
  },
  TypeNotKept: {
    cause: "The source's type has no counterpart that keeps its values.",
    remedy: 'Leave the column out with a query, or create the destination table with a type of your choice.',
  },
  TypeNote: {
    cause: 'A column gets another type at the destination; the message says how values are written.',
    remedy: 'Nothing if that is wanted.',
  },
  Unreachable: {
    cause: 'The DataSource could not be reached.',
    remedy: "Read the message of the DataSource's condition.",
  },
  ValueNotKept: {
    cause: 'The destination column cannot keep a value of a row.',
    remedy: 'Correct the value at the source, widen the column, or set onError to Skip.',
  },
  WaitingForAgent: {
    cause: 'The Sync waits for an agent to take it.',
    remedy: 'Nothing if it passes; else check the agents: idra get agents.',
  },
  WriteModeNotOffered: {
    cause: 'The system does not offer the write mode.',
    remedy: 'Use a write mode that the message names.',
  },
  YesNeeded: {
    cause: 'The command asks for confirmation and has no terminal to ask on.',
    remedy: 'Repeat with --yes.',
    systems: ['command line'],
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorCodes;

/** Reasons of a status that nothing is wrong with, and what they say. */
export const normalReasons = {
  CaughtUp: 'the destination has everything that the source had at the last look',
  Completed: 'schedule.once: the one pass is complete',
  MovingRows: 'a pass is moving rows',
  Suspended: 'suspended by the spec, an annotation or a command',
  NoFreeSlot: 'all slots of a data source (maxConcurrentSyncs) are taken; the message says by which Syncs',
  WaitingForSchedule: 'the next pass begins by the schedule',
} as const satisfies Readonly<Record<string, string>>;

export type StatusReason = ErrorCode | keyof typeof normalReasons;

/** A code that came as text from another process, which may be of a newer version that knows more codes. */
export function errorCode(text: string): ErrorCode {
  return text as ErrorCode;
}
