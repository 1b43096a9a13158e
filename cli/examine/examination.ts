import type { Command } from 'commander';
import { permanent } from '../../core/errors.ts';
import type { Cli } from '../cli.ts';
import type { ExitStatus } from '../exit-status.ts';
import { stopOnSignals } from '../single/stop-signals.ts';
import { withEtcd } from '../with-fleet.ts';
import { examineByAgents } from './by-agents.ts';
import type { Examination, ExamineOptions } from './contract.ts';
import { examineHere } from './here.ts';
import { examineInAgentPod } from './in-agent-pod.ts';

export function withExamineOptions(command: Command): Command {
  return command
    .option('-f, --filename <path>', 'YAML or JSON, a file or a folder; default: the objects of the cluster')
    .option('--agents', 'let the agents of a cluster (IDRA_ETCD_ENDPOINTS) do the check')
    .option('-n, --namespace <name>', 'only this namespace of the cluster');
}

/**
 * Runs in this process with `--filename` alone; otherwise asks the agents of the cluster given by the environment. As a plugin of
 * kubectl, which knows no etcd, it runs in the pod of an agent: `words` is the command line without its location options.
 */
export async function withExamination(
  cli: Cli,
  { options, words }: { readonly options: ExamineOptions; readonly words: readonly string[] },
  body: (examination: Examination) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { filename } = options;
  const signals = stopOnSignals((text) => cli.err.write(text));
  try {
    if (filename !== undefined && !options.agents) {
      return await body(examineHere(cli, { ...options, filename }, signals.signal));
    }
    if (cli.env.IDRA_KUBECTL_PLUGIN && !cli.env.IDRA_ETCD_ENDPOINTS) {
      return await examineInAgentPod(cli, words, options);
    }
    if (filename === undefined && !cli.env.IDRA_ETCD_ENDPOINTS) {
      throw permanent('NoTarget', 'there are neither manifests nor a cluster to check', {
        fix: 'give -f PATH, or set IDRA_ETCD_ENDPOINTS to ask the agents of a cluster; on Kubernetes use kubectl idra',
      });
    }
    return await withEtcd(cli, async (etcd) => body(await examineByAgents(etcd, options, signals.signal)));
  } finally {
    signals.dispose();
  }
}

/** The command line of check, plan or discover, to be run elsewhere. */
export function wordsOf(
  command: string,
  { only, output }: { readonly only?: string | undefined; readonly output?: string | undefined },
): readonly string[] {
  return [
    command,
    ...(only === undefined ? [] : ['--only', only]),
    ...(output === undefined ? [] : ['-o', output]),
  ];
}
