import type { ErrorEntries } from './entry.ts';

/** From a DataSource to a session: address, TLS, login, parameters, Secrets. */
export const connectionCodes = {
  AuthenticationFailed: {
    cause: 'The server refuses the user or the password.',
    remedy:
      "Correct user and passwordSecretRef of the DataSource, and let the user log in from the agents' addresses.",
  },
  CertificateUntrusted: {
    cause: "The server's certificate does not verify.",
    remedy: 'Set tls.caSecretRef to the authority that signed it, or set host to a name in the certificate.',
  },
  CleartextPasswordRefused: {
    cause:
      'The server requests the password in cleartext over a connection that does not protect it. It was not sent.',
    remedy:
      'Set tls.mode to VerifyFull (with tls.caSecretRef where the authority is not a public one); or set allowCleartextPassword to true if nobody else can read or answer on the network.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB', 'Apache Kafka', 'SQL Server'],
  },
  ConnectionLost: {
    cause: 'The connection to the server ended while it was used.',
    remedy:
      "Nothing if the server or network was restarted: it is retried. If it repeats, check the server's log.",
  },
  DatabaseNotFound: {
    cause: 'The server has no database of this name.',
    remedy: 'Correct the name in the DataSource, or create the database.',
  },
  HostBlocked: {
    cause: 'The server has blocked this host after too many failed connections.',
    remedy: 'Run FLUSH HOSTS at the server.',
    systems: ['MySQL', 'MariaDB', 'SQL Server'],
  },
  HostUnreachable: {
    cause: 'No connection can be opened to the host and port.',
    remedy: "Check host and port, that the server runs, and that the agents' network reaches it.",
  },
  ParameterInvalid: {
    cause: 'A connection parameter of the DataSource has a value that cannot be used.',
    remedy: 'Correct it in parameters.',
  },
  ParameterUnknown: {
    cause: 'The DataSource sets a connection parameter that is not supported.',
    remedy: 'Delete it, or use one that the message lists.',
  },
  PoolerNotSupported: {
    cause:
      'The address is that of a connection pooler or proxy, which uses a different session for each transaction or does not pass settings to the server.',
    remedy: 'Set host and port of the DataSource to those of the database server.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB', 'SQL Server'],
  },
  ProtocolBroken: {
    cause: 'The server sent data that violates its protocol, and the connection was closed.',
    remedy:
      'Check that host and port belong to a server of the type of the DataSource, and that no proxy in between changes the data.',
  },
  SecretForbidden: {
    cause: 'The Secret may not be read from here.',
    remedy:
      "Grant the agents' service account the right, or add the namespace to those that the agents watch.",
  },
  SecretKeyNotFound: {
    cause: 'The Secret has no such key.',
    remedy: 'Add the key, or correct secretRef.key.',
  },
  SecretNotFound: {
    cause: 'The Secret does not exist.',
    remedy: 'Create the Secret in the namespace of the DataSource, or correct the reference.',
  },
  SecretUnavailable: {
    cause: 'The Secret cannot be read at the moment.',
    remedy: 'Nothing if it is temporary: it is retried.',
  },
  ServerNotVerified: {
    cause:
      'The password is sent when the server requests it, and the identity of the server is not verified.',
    remedy: 'Set tls.mode to VerifyFull, with tls.caSecretRef where the authority is not a public one.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB', 'Apache Kafka', 'SQL Server'],
  },
  ServerSilent: {
    cause:
      'The server accepts connections and then does not answer: it is overloaded, paused or not what it should be. After five such connections in a row the Sync is Failed; it is retried every minute.',
    remedy:
      'Check the load of the server and what listens on the port; parameters.connect_timeout raises the limit.',
  },
  ServerTooOld: {
    cause: 'The server is older than the versions that Idra supports.',
    remedy: 'Upgrade the server.',
  },
  SystemTimeout: {
    cause: 'The system did not answer in time.',
    remedy:
      'Check the network and the load of the system; where statements take long, raise parameters.socket_timeout of the DataSource.',
  },
  TlsNotOffered: {
    cause: 'The server does not support TLS, and tls.mode requires it.',
    remedy: 'Enable TLS on the server, or set tls.mode to Prefer or Disable.',
  },
  TlsRequired: {
    cause: 'The server accepts TLS connections only.',
    remedy: 'Set tls.mode to Require or stricter.',
    systems: ['MySQL', 'MariaDB', 'SQL Server'],
  },
  TooManyConnections: {
    cause: 'The server or the user has no free connection.',
    remedy: 'Lower maxConcurrentSyncs of the DataSource, or raise the limit of the server; it is retried.',
  },
  Unreachable: {
    cause: 'The system of the DataSource could not be reached.',
    remedy: "Read the message of the DataSource's condition.",
  },
} as const satisfies ErrorEntries;
