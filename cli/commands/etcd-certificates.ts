import { homedir } from 'node:os';
import type { Command } from 'commander';
import { asIdraError, permanent } from '../../core/errors.ts';
import { version } from '../../core/version.ts';
import { loadClusterAccess } from '../../process/kubernetes-access.ts';
import type { Issued } from '../certificates/issue.ts';
import type { CertificateStore } from '../certificates/store.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';

interface CertificatesOptions {
  readonly folder?: string;
  readonly secrets?: string;
  readonly namespace?: string;
  readonly host?: readonly string[];
  readonly renew?: boolean;
  readonly rotateCa?: boolean;
  readonly output?: OutputKind;
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** Run by the chart before each installation and once a day; by hand with a folder, without Kubernetes. */
export function addEtcdCertificates(etcd: Command, cli: Cli): void {
  const command = etcd
    .command('certificates')
    .description(
      'create and renew the certificates of etcd: the authority, the server, and one for each user',
    )
    .option('--folder <path>', 'store them in files: PATH/agent/tls.crt, tls.key and ca.crt, and so on')
    .option('--secrets <prefix>', 'store them in Secrets of Kubernetes: PREFIX-agent, and so on')
    .option('-n, --namespace <name>', 'namespace of the Secrets (default: that of the kubeconfig or pod)')
    .option('--host <names...>', 'names by which clients reach etcd, in addition to localhost and 127.0.0.1')
    .option('--renew', 'replace all certificates now, but not the authority')
    .option(
      '--rotate-ca',
      'take the next step to another authority: publish it, use it, remove the previous one',
    )
    .addOption(outputOption('json', 'yaml'))
    .option('--context <name>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', 'kubeconfig of a cluster (default: KUBECONFIG)')
    .addHelpText('after', help);
  runs<CertificatesOptions>(command, cli, async (_args, options) => {
    const { output } = options;
    const rows = await issue(cli, options);
    if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, rows));
    else {
      const cells = rows.map((row) => [row.location, row.subject, row.expires, row.action]);
      cli.out.write(`${formatTable(['LOCATION', 'SUBJECT', 'EXPIRES', 'ACTION'], cells)}\n`);
    }
    return exitStatus.ok;
  });
}

/** If another run writes at the same time, everything is checked again. */
const tries = 5;

async function issue(cli: Cli, options: CertificatesOptions): Promise<readonly Issued[]> {
  // Loading the certificate library takes 50 ms that no other command needs.
  const { issueCertificates } = await import('../certificates/issue.ts');
  return await withStore(cli, options, async (store) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await issueCertificates(store, {
          hosts: options.host ?? [],
          isRenewing: options.renew === true,
          isRotatingAuthority: options.rotateCa === true,
          now: Date.now(),
        });
      } catch (thrown) {
        const { code } = asIdraError(thrown);
        const isRace = code === 'KubernetesConflict' || code === 'KubernetesAlreadyExists';
        if (!isRace || attempt === tries) throw thrown;
      }
    }
  });
}

async function withStore<T>(
  cli: Cli,
  options: CertificatesOptions,
  body: (store: CertificateStore) => Promise<T>,
): Promise<T> {
  const { folder, secrets, context, kubeconfig } = options;
  if ((folder === undefined) === (secrets === undefined)) {
    throw permanent('CallInvalid', 'give exactly one of --folder and --secrets', {
      fix: '--folder etcd-certificates, or --secrets idra-etcd',
    });
  }
  if (folder !== undefined) {
    const { FolderStore } = await import('../certificates/folder-store.ts');
    return await body(new FolderStore(folder));
  }
  const home = { HOME: homedir(), ...cli.env };
  const access = await loadClusterAccess({
    env: kubeconfig === undefined ? home : { ...home, KUBECONFIG: kubeconfig },
    ...(context !== undefined && { context }),
  });
  const { KubernetesClient } = await import('../../operator/runtime/client.ts');
  const { SecretStore } = await import('../certificates/secret-store.ts');
  const client = new KubernetesClient(access, { fieldManager: 'idra', userAgent: `idra/${version}` });
  try {
    return await body(new SecretStore(client, options.namespace ?? access.namespace, secrets ?? ''));
  } finally {
    client.close();
  }
}

const help = `
The certificates are ECDSA and valid for 90 days; the authority is valid for ten years. Certificates with less
than a third of their lifetime left are replaced, so one run a day is enough. The common name of a client's
certificate is its etcd user: root, idra-operator, idra-agent, idra-api.

Another authority takes three runs of --rotate-ca: the new authority is trusted, it signs, the previous one is no
longer trusted. Restart etcd after each run, because it reads trusted authorities only at startup. Without
--rotate-ca the first step is done when a third of the lifetime is left, and the second at a sixth.

Examples:
  idra etcd certificates --folder etcd-certificates --host etcd-0.example.org
  idra etcd certificates --secrets idra-etcd -n idra --rotate-ca`;
