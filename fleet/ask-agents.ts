import type { Agent, Coordination, ProbeKind } from '../coordination/contract.ts';
import { errorCode } from '../core/error-codes.ts';
import { permanent, transient } from '../core/errors.ts';
import { hasLabels, labelTexts } from '../core/labels.ts';
import type { DataSource, Sync } from '../core/sync-spec.ts';

/** Longer than the time limit of an agent for the same request. */
const askMs = 30_000;

/** The part of a Sync or DataSource that decides which agents may answer. */
type Placed = Pick<DataSource | Sync, 'spec'>;

/**
 * Sends a question to an agent that may reach the systems: only agents have drivers, credentials and network access. The agent must
 * fulfil the placement of all `placed` objects. Throws NoAgentAnswered (transient) if none can answer, and otherwise the agent's own
 * error with its code.
 */
export type AskAgent = (
  kind: ProbeKind,
  subject: unknown,
  placed: readonly (Placed | undefined)[],
) => Promise<unknown>;

/** Lists the agents once, for several questions. */
export async function agentAsker(etcd: Coordination, signal: AbortSignal): Promise<AskAgent> {
  const agents = (await etcd.cluster.agents()).filter((each) => !each.isDraining);
  return async (kind, subject, placed) => {
    const selector = Object.assign({}, ...placed.map((each) => each?.spec.placement.agentSelector));
    requireAgent(kind, selector, agents);
    const { result, error } = await etcd.probes.ask({ kind, subject, selector }, askMs, signal);
    if (error) throw permanent(errorCode(error.code), error.message);
    return result;
  };
}

/** Fails immediately if no agent can answer, instead of waiting for one. */
function requireAgent(
  kind: ProbeKind,
  selector: Readonly<Record<string, string>>,
  agents: readonly Agent[],
): void {
  const wanted = Object.entries(selector);
  if (agents.some(({ labels }) => hasLabels(labels, wanted))) return;
  const texts = (labels: Readonly<Record<string, string>>) => labelTexts(labels).join(',');
  if (agents.length === 0) {
    throw transient('NoAgentAnswered', `no agent is running to answer the ${kind}`, {
      fix: 'start one (idra agent), then check idra get agents',
    });
  }
  const known = agents.slice(0, 10).map(({ name, labels }) => `${name} (${texts(labels) || 'no labels'})`);
  throw transient(
    'NoAgentAnswered',
    `no agent has the labels ${texts(selector)}; there are ${known.join(', ')}`,
    {
      path: 'spec.placement.agentSelector',
      fix: `start an agent with IDRA_AGENT_LABELS=${texts(selector)} (chart: agents.labels), or change placement.agentSelector`,
    },
  );
}
