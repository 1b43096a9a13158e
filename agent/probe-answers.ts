import type {
  AgentSession,
  Coordination,
  DesiredDataSource,
  MovesQuestion,
  OffsetSubject,
  PreviewSubject,
  Probe,
} from '../coordination/contract.ts';
import type { Finding } from '../core/errors.ts';
import { permanent, transient } from '../core/errors.ts';
import type { ManifestObject, ManifestReader } from '../core/manifest/reader.ts';
import type { DataSource, Sync } from '../core/sync-spec.ts';
import type { RunContext } from './engine/context.ts';
import { offsetEffect } from './engine/offset-effect.ts';
import { checkSystem, discoverSystem, type PreviewInput, previewSync } from './engine/preview.ts';
import { previewRows } from './engine/preview-rows.ts';
import type { MovePlanner } from './lead/planned-moves.ts';

export interface ProbeDeps extends Pick<RunContext, 'secrets' | 'definitionOf'> {
  readonly coordination: Pick<Coordination, 'desired'>;
  readonly session: AgentSession;
  /** Undefined unless this agent leads. */
  readonly planner: () => MovePlanner | undefined;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
}

/** The result of a probe `check`. For `discover` the result is a list of relations, for `plan` a Preview. */
export interface CheckAnswer {
  /** Of the DataSource that was checked. */
  readonly generation: number;
  /** Of the server: `PostgreSQL 15.18`. */
  readonly version: string;
  readonly findings: readonly Finding[];
}

/** Limit for the whole answer; drivers have time limits of their own. */
const answerMs = 25_000;

/** Answers questions of the leader and the command line about systems that this agent can reach. */
export async function answerProbe(deps: ProbeDeps, probe: Probe): Promise<unknown> {
  const deadline = AbortSignal.timeout(answerMs);
  const signal = AbortSignal.any([deadline, deps.session.signal]);
  try {
    return await answer(deps, probe, signal);
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw transient('SystemTimeout', `the system did not answer within ${answerMs / 1_000} s`, {
      cause: error,
    });
  }
}

async function answer(deps: ProbeDeps, { kind, subject }: Probe, signal: AbortSignal): Promise<unknown> {
  const { secrets, definitionOf, manifests } = deps;
  switch (kind) {
    case 'check': {
      const dataSource = manifests.readDataSource(await findDataSource(deps, String(subject)));
      const report = await checkSystem({ dataSource, secrets, definitionOf }, signal);
      return { ...report, generation: dataSource.generation } satisfies CheckAnswer;
    }
    case 'discover': {
      const dataSource = manifests.readDataSource(await findDataSource(deps, String(subject)));
      return await discoverSystem({ dataSource, secrets, definitionOf }, signal);
    }
    case 'preview': {
      const { dataSource: name, object, maxRows } = subject as PreviewSubject;
      const dataSource = manifests.readDataSource(await findDataSource(deps, name));
      return await previewRows({ dataSource, object, maxRows, secrets, definitionOf }, signal);
    }
    case 'moves':
      return requirePlanner(deps).preview(subject as MovesQuestion);
    case 'rebalance':
      return await requirePlanner(deps).rebalance(signal);
    case 'offset': {
      const { sync, value } = subject as OffsetSubject;
      return await offsetEffect({ ...(await wholeSync(deps, sync)), value }, signal);
    }
    case 'plan':
      return await previewSync(await wholeSync(deps, subject), signal);
  }
}

/** A Sync with its ends, and what is stored of it. */
async function wholeSync(deps: ProbeDeps, subject: unknown): Promise<PreviewInput> {
  const { secrets, definitionOf, manifests, session } = deps;
  const sync = manifests.readSync(await findSync(deps, subject));
  const [source, destination] = await Promise.all([
    endOf(deps, sync, 'source'),
    endOf(deps, sync, 'destination'),
  ]);
  const progress = await session.store.readProgress(sync.uid);
  const storedOffset = await session.store.readOffset(sync.uid);
  return { sync, source, destination, secrets, definitionOf, progress, storedOffset };
}

function requirePlanner({ planner, session }: ProbeDeps): MovePlanner {
  const found = planner();
  if (found) return found;
  throw transient('NoAgentAnswered', `agent ${session.agent.name} does not lead at this moment`, {
    fix: 'retry in some seconds',
  });
}

async function endOf(deps: ProbeDeps, sync: Sync, end: 'source' | 'destination'): Promise<DataSource> {
  const name = `${sync.namespace}/${sync.spec[end].dataSource}`;
  return deps.manifests.readDataSource(await findDataSource(deps, name));
}

async function findDataSource({ coordination }: ProbeDeps, subject: string): Promise<DesiredDataSource> {
  const [namespace = '', name = ''] = subject.split('/');
  const found = await coordination.desired.getDataSource(namespace, name);
  if (found) return found;
  throw permanent('DataSourceNotFound', `DataSource ${subject} does not exist`, { fix: 'apply it' });
}

/** By uid, or as a complete Sync that is not applied yet. */
async function findSync({ coordination }: ProbeDeps, subject: unknown): Promise<ManifestObject> {
  if (typeof subject !== 'string') return subject as ManifestObject;
  const found = await coordination.desired.getSync(subject);
  if (found) return found;
  throw permanent('SyncNotFound', `there is no Sync with the uid ${subject}`);
}
