import { isIP } from 'node:net';
import { type EnvironmentReader, invalid } from '../process/environment.ts';
import type { PrometheusConfig } from './charts/prometheus.ts';
import { type OidcConfig, readOidcConfig } from './users/oidc-config.ts';
import type { SessionLimits } from './users/sessions.ts';

export interface ApiConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Before all paths: `/idra`, or empty. */
  readonly basePath: string;
  /** The address that users see, where a proxy is between. */
  readonly externalUrl: URL | undefined;
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly sessions: SessionLimits;
  readonly auditEntries: number;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** File with the first password of the user admin; without it the first login is admin/admin. */
  readonly firstPasswordFile: string | undefined;
  readonly oidc: OidcConfig | undefined;
  /** Undefined: charts come from the agents. */
  readonly prometheus: PrometheusConfig | undefined;
}

export interface ApiOptions {
  readonly host?: string;
  readonly port?: string;
  readonly basePath?: string;
}

/** Options of the command go before variables. Throws EnvironmentInvalid (permanent). */
export function readApiConfig(reader: EnvironmentReader, options: ApiOptions = {}): ApiConfig {
  const port = options.port === undefined ? reader.port('IDRA_API_PORT') : readPort(options.port);
  return {
    host: options.host ?? reader.text('IDRA_API_HOST') ?? '127.0.0.1',
    port: port ?? 8080,
    basePath: readBasePath(options.basePath ?? reader.text('IDRA_API_BASE_PATH') ?? ''),
    externalUrl: readUrl(reader),
    trustedProxies: reader.list('IDRA_API_TRUSTED_PROXIES').map(readProxy),
    sessions: {
      idleMs: reader.durationMs('IDRA_API_SESSION_IDLE', '1h', 60_000),
      absoluteMs: reader.durationMs('IDRA_API_SESSION_LIFETIME', '12h', 60_000),
    },
    auditEntries: 10_000,
    namespaces: reader.list('IDRA_WATCH_NAMESPACES'),
    firstPasswordFile: reader.text('IDRA_API_FIRST_PASSWORD_FILE'),
    oidc: readOidc(reader),
    prometheus: readPrometheus(reader),
  };
}

/** The provider redirects to an address that users see. */
function readOidc(reader: EnvironmentReader): OidcConfig | undefined {
  const oidc = readOidcConfig(reader);
  if (oidc && readUrl(reader) === undefined)
    throw invalid(
      'IDRA_API_EXTERNAL_URL',
      '',
      'set the address that users see: the login provider redirects to it',
    );
  return oidc;
}

function readPrometheus(reader: EnvironmentReader): PrometheusConfig | undefined {
  const text = reader.text('IDRA_PROMETHEUS_URL');
  if (text === undefined) return undefined;
  const fix = 'write its address, without user and query: http://prometheus.monitoring.svc:9090';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  // The text may have a password in it.
  if (!url || !isPlain) throw invalid('IDRA_PROMETHEUS_URL', '', fix);
  const selector = reader.text('IDRA_PROMETHEUS_SELECTOR') ?? '';
  if (!/^(?:[a-zA-Z_]\w*="[^"\\{}]*"(?:,(?!$)|$))*$/.test(selector))
    throw invalid('IDRA_PROMETHEUS_SELECTOR', selector, 'write labels as job="idra-agents",namespace="idra"');
  return { url, selector };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw invalid('--port', text, 'use a port from 0 (any free one) to 65535');
}

/** An address, or a network such as 10.0.0.0/8. */
function readProxy(text: string): string {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const isNetwork = bits === undefined || isBits(bits, version === 4 ? 32 : 128);
  if (version !== 0 && isNetwork && more.length === 0) return text;
  throw invalid('IDRA_API_TRUSTED_PROXIES', text, 'write addresses or networks: 10.1.2.3,192.168.0.0/16');
}

function isBits(text: string, most: number): boolean {
  return /^[1-9]\d{0,2}$/.test(text) && Number(text) <= most;
}

function readBasePath(text: string): string {
  if (text === '' || text === '/') return '';
  if (/^(\/[\w.-]+)+$/.test(text)) return text;
  throw invalid('IDRA_API_BASE_PATH', text, 'write it as /idra, without / at the end');
}

function readUrl(reader: EnvironmentReader): URL | undefined {
  const text = reader.text('IDRA_API_EXTERNAL_URL');
  if (text === undefined) return undefined;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw invalid('IDRA_API_EXTERNAL_URL', text, 'write the address that users see: https://idra.example.org');
}
