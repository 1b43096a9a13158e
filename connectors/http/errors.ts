import { type ErrorClass, errorOf, tlsFailure } from '../../core/error-class.ts';
import { asIdraError, IdraError, type IdraErrorInit, permanent, transient } from '../../core/errors.ts';

const unreachable: ErrorClass = {
  code: 'HostUnreachable',
  disposition: 'transient',
  path: 'spec.http.url',
  fix: 'check the host and port in url, and that the server is running',
};
const lost: ErrorClass = { code: 'ConnectionLost', disposition: 'transient' };
const late: ErrorClass = {
  code: 'SystemTimeout',
  disposition: 'transient',
  fix: 'check the network and the load of the server; requestTimeout of the DataSource raises the limit',
};
const broken: ErrorClass = {
  code: 'ProtocolBroken',
  disposition: 'permanent',
  path: 'spec.http.url',
  fix: 'check that url is that of the API, and look at what answers there',
};

const byCode: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: unreachable,
  ENOTFOUND: { ...unreachable, fix: 'check the host in url: its name cannot be resolved' },
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EADDRNOTAVAIL: unreachable,
  ECONNRESET: lost,
  ECONNABORTED: lost,
  EPIPE: lost,
  ERR_STREAM_PREMATURE_CLOSE: lost,
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: lost,
  Z_BUF_ERROR: lost,
  ETIMEDOUT: late,
  EPROTO: broken,
  ERR_SSL_WRONG_VERSION_NUMBER: broken,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: broken,
};

/** What got, Node's parser, sockets, TLS and zlib throw, by its code. `where`: the DataSource and the call. */
export function toIdraError(thrown: unknown, where: string): IdraError {
  const causes = [...causesOf(thrown)];
  for (const each of causes) {
    if (each instanceof IdraError) return each;
    const code = codeOf(each);
    if (code === undefined) continue;
    const known = byCode[code];
    if (known) return errorOf(known, `${where}: ${textOf(known, code)}`, thrown);
    const tls = tlsFailure(code, where, 'spec.http.tls', thrown);
    if (tls) return tls;
    // The parser of HTTP, and the decoders of bodies.
    if (/^(HPE_|Z_|ERR_+BROTLI|ERR__ERROR|ERR_ZLIB)/.test(code))
      return errorOf(broken, `${where}: the answer is not valid HTTP (${code})`, thrown);
  }
  if (causes.some((each) => codeOf(each) === 'ERR_ABORTED' || isClosed(each)))
    return errorOf(lost, `${where}: the connection was closed`, thrown);
  return asIdraError(thrown);
}

function textOf({ code }: ErrorClass, cause: string): string {
  switch (code) {
    case 'HostUnreachable':
      return `no connection (${cause})`;
    case 'ConnectionLost':
      return `the connection ended before the answer (${cause})`;
    case 'SystemTimeout':
      return 'no answer in time';
    default:
      return `the server does not speak the protocol of url (${cause})`;
  }
}

function* causesOf(thrown: unknown): Generator<unknown> {
  let each = thrown;
  for (let depth = 0; each !== undefined && depth < 5; depth += 1) {
    yield each;
    each = each instanceof Error ? each.cause : undefined;
  }
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  return thrown.code === 'ERR_GOT_REQUEST_ERROR' ? undefined : thrown.code;
}

function isClosed(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'ReadError' || thrown.name === 'AbortError');
}

/** What refused a call, for the message and the field at fault. */
export interface Refusing {
  readonly where: string;
  /** The field that names the object: `spec.source.path`. */
  readonly path: string;
}

type StatusClass = Pick<IdraErrorInit, 'code' | 'disposition' | 'fix'> & { readonly what: string };

/** The error of an answer whose status is not one of success. The body is not shown: it may repeat rows or secrets. */
export function statusError(status: number, { where, path }: Refusing): IdraError {
  const { code, disposition, fix, what } = statusClass(status);
  const at = code === 'AuthenticationFailed' ? 'spec.http' : path;
  const make = disposition === 'transient' ? transient : permanent;
  return make(code, `${where}: the API answers ${status}: ${what}`, { path: at, fix });
}

/** The same call may succeed later. */
export function isTransientStatus(status: number): boolean {
  return statusClass(status).disposition === 'transient';
}

function statusClass(status: number): StatusClass {
  if (status === 401 || status === 407) {
    const fix = 'correct the credentials of the DataSource; a changed Secret is noticed within a minute';
    return {
      code: 'AuthenticationFailed',
      disposition: 'permanent',
      what: 'it refuses the credentials',
      fix,
    };
  }
  if (status === 403) {
    const fix = 'give the credentials of the DataSource access to this path';
    return { code: 'PermissionDenied', disposition: 'permanent', what: 'access is denied', fix };
  }
  if (status === 404 || status === 410) {
    const fix = 'correct the path, or the url of the DataSource that it is relative to';
    return { code: 'TableNotFound', disposition: 'permanent', what: 'there is nothing at this path', fix };
  }
  if (status === 429)
    return {
      code: 'RateLimited',
      disposition: 'transient',
      what: 'too many calls',
      fix: 'nothing: it is retried',
    };
  if (status === 408 || status === 425 || status >= 500) {
    const fix = 'nothing if it is temporary: it is retried; otherwise ask the operators of the API';
    return { code: 'ServerFailed', disposition: 'transient', what: 'it failed', fix };
  }
  if (status >= 300 && status < 400) {
    const fix = 'set url and path to where the API answers without a redirect';
    return {
      code: 'RedirectRefused',
      disposition: 'permanent',
      what: 'a redirect that is not followed',
      fix,
    };
  }
  const fix = 'correct path, paging, method and bodyTemplate by the documentation of the API';
  return { code: 'CallRefused', disposition: 'permanent', what: 'it refuses the call', fix };
}
