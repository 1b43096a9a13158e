import type { Command } from 'commander';
import type { Preview } from '../../agent/engine/preview.ts';
import type { SystemReport } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import type { Cli } from '../cli.ts';
import type { ExitStatus } from '../exit-status.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { stopOnSignals } from '../single/stop-signals.ts';
import { examineByAgents } from './by-agents.ts';
import { examineHere } from './here.ts';
import { examineInAgentPod } from './in-agent-pod.ts';

/** Systems and syncs that can be looked at without touching anything: from this process, or by the agents of a cluster. */
export interface Examination {
  readonly syncs: readonly Sync[];
  readonly dataSources: readonly DataSource[];
  /** Throws what connecting throws. */
  check(dataSource: DataSource): Promise<SystemReport>;
  discover(dataSource: DataSource): Promise<readonly Relation[]>;
  /** What fails becomes a finding. */
  plan(sync: Sync): Promise<Preview>;
}

export interface ExamineOptions {
  readonly filename?: string;
  readonly only?: string;
  /** State file of single mode, for the identity of the syncs. */
  readonly state?: string;
  readonly agents?: boolean;
  readonly namespace?: string;
}

export function withExamineOptions(command: Command): Command {
  return command
    .option('-f, --filename <path>', 'YAML or JSON, a file or a folder; left out: what the cluster has')
    .option('--agents', 'let the agents of a cluster look (IDRA_ETCD_ENDPOINTS), from where they are')
    .option('-n, --namespace <name>', 'only this namespace of the cluster');
}

/**
 * In this process with `--filename` alone; else by the agents of the cluster that the environment names. As a plugin of kubectl, which
 * knows no etcd, in the pod of an agent: `words` is the call without its place.
 */
export async function withExamination(
  cli: Cli,
  { options, words }: { readonly options: ExamineOptions; readonly words: readonly string[] },
  body: (examination: Examination) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { filename } = options;
  const signals = stopOnSignals((text) => cli.talk.write(text));
  try {
    if (filename !== undefined && !options.agents) {
      return await body(examineHere(cli, { ...options, filename }, signals.signal));
    }
    if (cli.env.IDRA_KUBECTL_PLUGIN && !cli.env.IDRA_ETCD_ENDPOINTS) {
      return await examineInAgentPod(cli, words, options);
    }
    if (filename === undefined && !cli.env.IDRA_ETCD_ENDPOINTS) {
      throw permanent('NothingToSpeakTo', 'there are neither manifests nor a cluster to look at', {
        mend: 'give -f PATH, or set IDRA_ETCD_ENDPOINTS to ask the agents of a cluster; on Kubernetes call it as kubectl idra',
      });
    }
    return await withEtcd(cli, async (etcd) => body(await examineByAgents(etcd, options, signals.signal)));
  } finally {
    signals.dispose();
  }
}

/** A call of check, plan or discover, for another place. */
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
