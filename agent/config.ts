import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { type EtcdConfig, readEtcdConfig } from '../coordination/connect.ts';
import { type Environment, EnvironmentReader, invalid } from '../process/environment.ts';
import { readHealthAddress } from '../process/health-server.ts';
import { readBytesInFlight } from '../process/memory.ts';
import { type LogConfig, readLogConfig } from '../process/process-log.ts';

export interface AgentConfig {
  readonly etcd: EtcdConfig;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly leaseTtlMs: number;
  readonly drainTimeoutMs: number;
  readonly bytesInFlight: number;
  /** Empty: all. */
  readonly watchNamespaces: readonly string[];
  /** Secrets as FOLDER/NAME/KEY; undefined: from Kubernetes. */
  readonly secretsFolder: string | undefined;
  /**
   * Secrets of Kubernetes are used only if the custom resource of the DataSource confirms its config; false: there are no custom
   * resources.
   */
  readonly confirmsDataSources: boolean;
  /** Files of DataSources are below ROOT/NAMESPACE; undefined: no files are accessible. */
  readonly sqliteRoot: string | undefined;
  /** Undefined: no health server. */
  readonly healthPort: number | undefined;
  /** Undefined: all addresses. */
  readonly healthAddress: string | undefined;
  readonly log: LogConfig;
}

/** Throws EnvironmentInvalid or EtcdNotConfigured (permanent), which name the variable and the accepted values. */
export function readAgentConfig(env: Environment): AgentConfig {
  const reader = new EnvironmentReader(env);
  return {
    etcd: readEtcdConfig(env),
    name: readName(reader),
    labels: reader.labels('IDRA_AGENT_LABELS'),
    // etcd does not grant leases of less than two seconds.
    leaseTtlMs: reader.durationMs('IDRA_LEASE_TTL', '10s', 2_000),
    drainTimeoutMs: reader.durationMs('IDRA_DRAIN_TIMEOUT', '25s', 0),
    bytesInFlight: readBytesInFlight(reader),
    watchNamespaces: reader.list('IDRA_WATCH_NAMESPACES'),
    secretsFolder: reader.text('IDRA_SECRETS_DIR'),
    confirmsDataSources: readConfirms(reader),
    sqliteRoot: readSqliteRoot(reader),
    healthPort: reader.port('IDRA_HEALTH_PORT'),
    healthAddress: readHealthAddress(reader),
    log: readLogConfig(reader),
  };
}

function readConfirms(reader: EnvironmentReader): boolean {
  const written = reader.text('IDRA_CONFIRM_DATA_SOURCES') ?? 'true';
  if (written === 'true' || written === 'false') return written === 'true';
  throw invalid('IDRA_CONFIRM_DATA_SOURCES', written, 'use true, or false if desired state is only in etcd');
}

function readSqliteRoot(reader: EnvironmentReader): string | undefined {
  const root = reader.text('IDRA_SQLITE_ROOT');
  if (root === undefined || (isAbsolute(root) && resolve(root) !== '/')) return root && resolve(root);
  throw invalid('IDRA_SQLITE_ROOT', root, 'use the absolute path of a folder: /var/lib/idra');
}

function readName(reader: EnvironmentReader): string {
  const name = reader.text('IDRA_AGENT_NAME') ?? hostname();
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name;
  throw invalid('IDRA_AGENT_NAME', name, 'use letters, digits, dots, dashes and underscores');
}
