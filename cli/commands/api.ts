import { type Command, InvalidArgumentError } from 'commander';
import { type Cli, runs } from '../cli.ts';
import type { ApiCommandOptions } from '../serve/contract.ts';

/** The API server: over single mode, etcd or Kubernetes. */
export function addApi(root: Command, cli: Cli): void {
  const command = root
    .command('api')
    .description('serve the API: of single mode (-f, which also runs the syncs), of etcd, or of Kubernetes')
    .option('-f, --filename <path>', 'single mode: YAML or JSON, a file or a folder')
    .option('--state <file>', 'single mode: file that stores offsets, identities and users')
    .option('--kubernetes', 'custom resources are the truth; needs etcd as well (IDRA_API_KUBERNETES)')
    .option('--context <name>', 'context of the kubeconfig; implies --kubernetes')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster; implies --kubernetes')
    .option('--host <address>', 'address to listen on, * for all (IDRA_API_HOST, default 127.0.0.1)')
    .option('--port <number>', 'port, 0 for any free one (IDRA_API_PORT, default 8080)', checkedPort)
    .option('--base-path <path>', 'path before all others: /idra (IDRA_API_BASE_PATH)')
    .addHelpText(
      'after',
      '\nExamples:\n  idra api -f manifests/\n  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra api --port 8080',
    );
  runs<ApiCommandOptions>(command, cli, async (_args, options) => {
    const { serveApi } = await import('../serve/serve-api.ts');
    return await serveApi(cli, options);
  });
}

function checkedPort(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new InvalidArgumentError('use a port from 0 (any free one) to 65535');
}
