import http from 'node:http';
import https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { asIdraError } from '../../../core/errors.ts';
import { type AddressRule, checkedLookup, type Resolve, requireAllowedHost } from './allowed-address.ts';

/** What a TLS connection is verified with; undefined: the authorities of the machine. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** VerifyFull: the certificate is for this host; VerifyCA: of the authority; Require: any. */
  readonly verifies: 'VerifyFull' | 'VerifyCA' | 'Require';
}

export interface ConnectionOptions {
  readonly rule: AddressRule;
  readonly tls: TlsOptions;
  readonly maxSockets: number;
  /** For tests: how names are resolved. */
  readonly resolve?: Resolve;
}

/** Agents whose sockets reach allowed addresses only, whatever the URL says. They keep connections open until `close`. */
export interface Connections {
  readonly http: http.Agent;
  readonly https: https.Agent;
  close(): void;
}

type Connected = (error: Error | null, socket: Duplex) => void;

interface ConnectOptions {
  readonly host?: string | null | undefined;
  readonly hostname?: string | null | undefined;
  lookup?: LookupFunction | undefined;
}

export function openConnections({ rule, tls, maxSockets, resolve }: ConnectionOptions): Connections {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, scheduling: 'lifo' } as const;
  const lookup = checkedLookup(rule, resolve);
  const guarded = (connect: ConnectOptions): void => {
    requireAllowedHost(connect.host ?? connect.hostname ?? '', rule);
    connect.lookup = lookup;
  };
  const plain = new GuardedHttpAgent(options, guarded);
  const secure = new GuardedHttpsAgent({ ...options, ...tlsOptions(tls) }, guarded);
  return {
    http: plain,
    https: secure,
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

function tlsOptions({ ca, cert, key, verifies }: TlsOptions): https.AgentOptions {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: verifies !== 'Require',
    ...(verifies !== 'VerifyFull' && { checkServerIdentity: () => undefined }),
    minVersion: 'TLSv1.2',
  };
}

type Guard = (options: ConnectOptions) => void;

class GuardedHttpAgent extends http.Agent {
  readonly #guard: Guard;

  constructor(options: http.AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback?: Connected,
  ): Duplex | null | undefined {
    if (!isGuarded(this.#guard, options, callback)) return undefined;
    return observed(super.createConnection(options, callback));
  }
}

class GuardedHttpsAgent extends https.Agent {
  readonly #guard: Guard;

  constructor(options: https.AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(options: https.RequestOptions, callback?: Connected): Duplex | null | undefined {
    if (!isGuarded(this.#guard, options, callback)) return undefined;
    return observed(super.createConnection(options, callback));
  }
}

/** False: the request gets the refusal as the error of its connection. */
function isGuarded(guard: Guard, options: ConnectOptions, callback: Connected | undefined): boolean {
  try {
    guard(options);
    return true;
  } catch (thrown) {
    process.nextTick(() => callback?.(asIdraError(thrown), undefined as never));
    return false;
  }
}

/** An idle connection has no request that would handle its error. */
function observed(socket: Duplex | null | undefined): Duplex | null | undefined {
  socket?.on('error', () => {});
  (socket as Socket | undefined)?.setNoDelay?.(true);
  return socket;
}
