import { type IdraError, permanent } from '../../../core/errors.ts';

/** The parts of a connection string. */
export interface Uri {
  readonly isSrv: boolean;
  readonly hosts: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** By their names in lower case. */
  readonly options: ReadonlyMap<string, string>;
}

/** Options that say how to reach the deployment. */
const used = ['replicaset', 'authsource', 'authmechanism', 'tls', 'ssl', 'directconnection'];
/** Options about speed or retries, which Idra sets itself. */
const ignored = [
  ...['appname', 'compressors', 'zlibcompressionlevel', 'retrywrites', 'retryreads', 'connecttimeoutms'],
  ...['sockettimeoutms', 'timeoutms', 'wtimeoutms', 'waitqueuetimeoutms', 'serverselectiontimeoutms'],
  ...['maxpoolsize', 'minpoolsize', 'maxconnecting', 'maxidletimems', 'heartbeatfrequencyms'],
  ...['localthresholdms', 'servermonitoringmode', 'maxstalenessseconds', 'srvmaxhosts'],
];
/** Options that decide which rows are read and when a write counts: accepted only with the value that Idra uses. */
const fixed: Readonly<Record<string, string>> = {
  w: 'majority',
  journal: 'true',
  readconcernlevel: 'majority',
  readpreference: 'primary',
  loadbalanced: 'false',
  tlsinsecure: 'false',
  tlsallowinvalidcertificates: 'false',
  tlsallowinvalidhostnames: 'false',
};

/** The string may contain a password, so it is in no message. Throws ParameterInvalid or ParameterUnknown. */
export function readUri(text: string): Uri {
  const match = /^mongodb(\+srv)?:\/\/(?:([^@/]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text.trim());
  if (!match) throw invalid('is not of the form mongodb://user:password@host:port/database?options');
  const [, srv, login, hosts = '', database = '', query = ''] = match;
  const [user, password] = login === undefined ? [] : splitOnce(login, ':').map(decoded);
  const options = readOptions(query);
  return {
    isSrv: srv !== undefined,
    hosts: hosts.split(',').map(decoded),
    user: user || undefined,
    password,
    database: decoded(database) || undefined,
    options,
  };
}

function readOptions(query: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const part of query.split('&').filter((each) => each !== '')) {
    const [name = '', value = ''] = splitOnce(part, '=').map(decoded);
    const key = name.toLowerCase();
    if (used.includes(key)) options.set(key, value);
    else if (Object.hasOwn(fixed, key)) requireFixed(name, key, value);
    else if (!ignored.includes(key)) throw unknownOption(name);
  }
  return options;
}

function requireFixed(name: string, key: string, value: string): void {
  if (value === fixed[key]) return;
  const tls = key.startsWith('tls') ? '; tls.mode of the DataSource decides about certificates' : '';
  throw permanent(
    'ParameterInvalid',
    `the connection string sets ${name}, which would change what is read or written${tls}`,
    {
      path: 'spec.mongodb.uriSecretRef',
      fix: `remove ${name}, or set it to ${fixed[key]}`,
    },
  );
}

function unknownOption(name: string): IdraError {
  return permanent(
    'ParameterUnknown',
    `the connection string has the option ${name}, which cannot be set here`,
    {
      path: 'spec.mongodb.uriSecretRef',
      fix: `remove it; known are: ${used.join(', ')}; files of certificates are given by tls of the DataSource`,
    },
  );
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('has a % that is not followed by two hexadecimal digits');
  }
}

function invalid(what: string): IdraError {
  return permanent('ParameterInvalid', `the connection string in uriSecretRef ${what}`, {
    path: 'spec.mongodb.uriSecretRef',
    fix: 'write it as in the documentation of MongoDB; special characters of the password are escaped with %',
  });
}
