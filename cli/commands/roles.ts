import type { Command } from 'commander';
import { type Cli, runs } from '../cli.ts';
import type { ExitStatus } from '../exit-status.ts';

/** The long-running parts of a cluster; their configuration comes from the environment. */
export function addRoles(root: Command, cli: Cli): void {
  runs(
    root
      .command('agent')
      .description('run an agent: moves the rows of the syncs that the leader assigns to it')
      .addHelpText('after', agentHelp),
    cli,
    async () => (await (await import('../../agent/main.ts')).runAgent(cli.env)) as ExitStatus,
  );
  runs(
    root
      .command('operator')
      .description(
        'run the operator: copies Sync and DataSource objects of Kubernetes to etcd, and their status back',
      )
      .addHelpText('after', operatorHelp),
    cli,
    async () => (await (await import('../../operator/main.ts')).runOperator(cli.env)) as ExitStatus,
  );
}

const agentHelp = `
Environment:
  IDRA_ETCD_ENDPOINTS     https://etcd-0:2379,... (IDRA_ETCD_CA, _CERT, _KEY, _USER, _PASSWORD_FILE, _PREFIX;
                          _ALLOW_CLEARTEXT_PASSWORD=true: a password also without https)
  IDRA_AGENT_NAME         unique in the cluster (default: the host's name)
  IDRA_AGENT_LABELS       zone=a,disk=ssd: labels that placement selects
  IDRA_LEASE_TTL          time after which an agent without contact counts as dead (default 10s)
  IDRA_MAX_BYTES_IN_FLIGHT  limit of rows that are read and not yet written, over all syncs (default 128Mi)
  IDRA_DRAIN_TIMEOUT      maximum time to shut down at SIGTERM (default 25s)
  IDRA_SQLITE_ROOT        folder of SQLite files, as ROOT/NAMESPACE (default: SQLite cannot be used)
  IDRA_SECRETS_DIR        Secrets as DIR/NAME/KEY, as Kubernetes mounts them; used without Kubernetes
  KUBECONFIG              or the pod's service account: Secrets from Kubernetes
  IDRA_WATCH_NAMESPACES   team-a,team-b: namespaces to run Syncs of and read Secrets from (default: all)
  IDRA_CONFIRM_DATA_SOURCES  false: Secrets are from Kubernetes, but desired state is only in etcd, without custom resources
  IDRA_HEALTH_PORT        /healthz, /readyz, /metrics
  IDRA_HEALTH_ADDRESS     address to serve them on (default 127.0.0.1; * is all addresses)
  IDRA_LOG_LEVEL, IDRA_LOG_FORMAT (json or text)

Example:
  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 IDRA_AGENT_NAME=a1 idra agent`;

const operatorHelp = `
Environment:
  IDRA_ETCD_ENDPOINTS     as for the agent
  IDRA_WATCH_NAMESPACES   team-a,team-b: namespaces whose resources are reconciled (default: all)
  IDRA_INSTALLATION       name of this installation (default: idra); with the namespace of the Lease it identifies the
                          owner of an object; the Lease is NAME-operator
  KUBECONFIG              or the pod's service account
  IDRA_OPERATOR_NAME      name of this process in the Lease and in events (default: the host's name)
  IDRA_OPERATOR_NAMESPACE namespace of the Lease for leader election (default: that of the kubeconfig or pod)
  IDRA_HEALTH_PORT        /healthz, /readyz, /metrics
  IDRA_HEALTH_ADDRESS     address to serve them on (default 127.0.0.1; * is all addresses)
  IDRA_LOG_LEVEL, IDRA_LOG_FORMAT (json or text)

Example:
  KUBECONFIG=~/.kube/config IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra operator`;
