import { spawn } from 'node:child_process';
import { permanent } from '../../core/errors.ts';
import type { Cli } from '../cli.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { InputWrong } from '../findings.ts';
import { readFiles } from '../manifests.ts';
import type { ExamineOptions } from './contract.ts';

/** Labels set by the chart. */
const agentPods = 'app.kubernetes.io/name=idra,app.kubernetes.io/component=agent';
const runningPods =
  'jsonpath={range .items[?(@.status.phase=="Running")]}{.metadata.namespace}{" "}{.metadata.name}{"\\n"}{end}';
/** Path in the image. */
const program = '/app/bin/idra';

const alternatives =
  'check from this machine with -f PATH, or from the agents with IDRA_ETCD_ENDPOINTS (kubectl port-forward to their etcd)';

/**
 * As a plugin of kubectl: runs the same command in the pod of an agent, with this user's right to `kubectl exec`. Only agents have the
 * credentials of the systems and can reach them.
 */
export async function examineInAgentPod(
  cli: Cli,
  words: readonly string[],
  options: ExamineOptions,
): Promise<ExitStatus> {
  const manifests =
    options.filename === undefined ? undefined : manifestsOf(options.filename, options.namespace);
  const listed = await kubectl(cli, ['get', 'pods', '-A', '-l', agentPods, '-o', runningPods]);
  if (listed.status !== 0) throw noPod(`kubectl cannot list the agents: ${listed.err.trim()}`);
  const [namespace, pod] = (listed.out.split('\n')[0] ?? '').split(' ');
  if (!namespace || !pod) throw noPod('no agent runs in this cluster');
  const given = options.namespace === undefined ? [] : ['-n', options.namespace];
  const call = [program, ...words, ...given, ...(manifests === undefined ? [] : ['-f', '-', '--agents'])];
  const stdin = manifests === undefined ? [] : ['-i'];
  const run = await kubectl(cli, ['exec', ...stdin, '-n', namespace, pod, '-c', 'agent', '--', ...call], {
    input: manifests,
    onOut: (text) => cli.out.write(text),
  });
  if (run.out === '' && /^(error|Error from server)/m.test(run.err)) {
    throw noPod(`kubectl exec in the pod ${namespace}/${pod} failed: ${run.err.trim()}`);
  }
  // kubectl appends this line to the output of the command.
  cli.err.write(run.err.replace(/^command terminated with exit code \d+\n?/m, ''));
  return Object.values(exitStatus).find((each) => each === run.status) ?? exitStatus.failed;
}

/** Returns one JSON document. Secrets are left out: agents have their own. Throws InputWrong. */
function manifestsOf(path: string, namespace: string | undefined): string {
  const { findings, sources } = readFiles(path, 'cluster', namespace);
  if (findings.length > 0) throw new InputWrong(findings);
  const items = sources.filter((each) => each.kind !== 'Secret').map((each) => each.body);
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function noPod(message: string): Error {
  return permanent('NoTarget', message, { fix: alternatives });
}

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

interface KubectlOptions {
  readonly input?: string | undefined;
  /** Called with its output as it arrives. */
  readonly onOut?: (text: string) => void;
}

async function kubectl(
  cli: Cli,
  args: readonly string[],
  { input = '', onOut = () => {} }: KubectlOptions = {},
): Promise<Ran> {
  const child = spawn('kubectl', args, { env: cli.env as NodeJS.ProcessEnv, stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    onOut(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => {}).end(input);
  return await new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: 1, out, err: `kubectl cannot be run: ${error.message}` }));
    child.on('close', (status) => resolve({ status: status ?? 1, out, err }));
  });
}
