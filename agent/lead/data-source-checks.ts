import type {
  AgentSession,
  ClusterView,
  Coordination,
  DataSourceReport,
  DesiredDataSource,
  ProbeAnswer,
} from '../../coordination/contract.ts';
import { fingerprintOfSecrets, hasChangedSecrets, type SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError, IdraError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { CheckAnswer } from '../probe-answers.ts';

/** Interval for a DataSource without problems; others are checked more often, so that a fix is seen soon. */
const wellEveryMs = 5 * 60_000;
const unwellEveryMs = 30_000;
/** Interval for the Secrets of a DataSource with problems: a corrected Secret is the most likely fix. */
const secretsEveryMs = 5_000;
const pollIntervalMs = 1_000;
const answerMs = 30_000;
const maxAtOnce = 8;
/** So that those of one namespace, each waiting for a server that does not answer, delay those of others for one turn at most. */
const maxOfNamespace = 2;

export interface CheckDeps {
  readonly coordination: Pick<Coordination, 'reports' | 'probes'>;
  readonly session: AgentSession;
  readonly manifests: Pick<ManifestReader, 'readDataSource'>;
  readonly secrets: SecretReader;
  readonly clock: Clock;
  readonly log: Log;
}

/** Has each DataSource checked by an agent that may reach it: when it is new or has changed, and periodically. */
export async function checkDataSources(
  deps: CheckDeps,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const checks = new Checks(deps, signal);
  await checks.remember();
  while (!signal.aborted) {
    for (const dataSource of view.dataSources.values()) checks.consider(dataSource);
    await deps.clock.sleep(pollIntervalMs, signal).catch(() => {});
  }
}

interface Known {
  /** Of the DataSource at its last check. */
  readonly uid: string | undefined;
  readonly generation: number;
  /** Wall clock, ms since 1970. */
  readonly dueMs: number;
  readonly isWell: boolean;
  /** Fingerprint of the Secrets used for that check. */
  readonly secrets?: string | undefined;
}

class Checks {
  readonly #deps: CheckDeps;
  readonly #signal: AbortSignal;
  readonly #slots = new Semaphore(maxAtOnce);
  readonly #slotsOfNamespace = new Map<string, Semaphore>();
  readonly #known = new Map<string, Known>();
  readonly #underWay = new Set<string>();
  readonly #secretsDueMs = new Map<string, number>();

  constructor(deps: CheckDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Loads the results of checks by an earlier leader. */
  async remember(): Promise<void> {
    for (const report of await this.#deps.coordination.reports.readDataSources())
      this.#known.set(qualifiedName(report), knownOf(report));
  }

  consider(dataSource: DesiredDataSource): void {
    const name = qualifiedName(dataSource);
    const known = this.#known.get(name);
    const isOfThis = known?.uid === dataSource.uid && known.generation === dataSource.generation;
    const isDue = !isOfThis || this.#deps.clock.now() >= known.dueMs;
    if (this.#underWay.has(name)) return;
    const areSecretsDue =
      known !== undefined && !known.isWell && this.#deps.clock.now() >= this.#secretsDueAt(name);
    if (!isDue && !areSecretsDue) return;
    this.#underWay.add(name);
    this.#inTurn(dataSource, () => (isDue ? this.#check(dataSource) : this.#checkSecrets(dataSource, known)))
      .catch((error: unknown) => {
        if (!this.#signal.aborted)
          this.#deps.log.warn('a DataSource could not be checked', { dataSource: name, error });
      })
      .finally(() => this.#underWay.delete(name));
  }

  async #inTurn({ namespace }: DesiredDataSource, work: () => Promise<void>): Promise<void> {
    const ofNamespace = this.#slotsOfNamespace.get(namespace) ?? new Semaphore(maxOfNamespace);
    this.#slotsOfNamespace.set(namespace, ofNamespace);
    await ofNamespace.use(this.#signal, () => this.#slots.use(this.#signal, work));
  }

  /** When the Secrets of a DataSource with problems are checked next. */
  #secretsDueAt(name: string): number {
    return this.#secretsDueMs.get(name) ?? 0;
  }

  async #checkSecrets(dataSource: DesiredDataSource, known: Known | undefined): Promise<void> {
    const name = qualifiedName(dataSource);
    this.#secretsDueMs.set(name, this.#deps.clock.now() + secretsEveryMs);
    const secrets = await this.#secretsOf(dataSource);
    if (hasChangedSecrets(known?.secrets, secrets)) await this.#check(dataSource);
    // It was checked under an earlier leader.
    else if (known && known.secrets === undefined) this.#known.set(name, { ...known, secrets });
  }

  async #secretsOf(dataSource: DesiredDataSource): Promise<string | undefined> {
    const { manifests, secrets } = this.#deps;
    try {
      return await fingerprintOfSecrets([manifests.readDataSource(dataSource)], secrets);
    } catch {
      // An invalid DataSource is reported by the check.
      return undefined;
    }
  }

  async #check(dataSource: DesiredDataSource): Promise<void> {
    const { coordination, clock, session } = this.#deps;
    const secrets = await this.#secretsOf(dataSource);
    const answer = await this.#ask(dataSource);
    const report: DataSourceReport = {
      namespace: dataSource.namespace,
      name: dataSource.name,
      uid: dataSource.uid,
      generation: dataSource.generation,
      checkedAt: new Date(clock.now()).toISOString(),
      ...reportOf(answer, session.agent.name),
    };
    this.#known.set(qualifiedName(dataSource), { ...knownOf(report), secrets });
    await coordination.reports.putDataSource(report);
  }

  async #ask(dataSource: DesiredDataSource): Promise<ProbeAnswer | IdraError> {
    const { coordination, manifests } = this.#deps;
    try {
      const { placement } = manifests.readDataSource(dataSource).spec;
      const probe = {
        kind: 'check',
        subject: qualifiedName(dataSource),
        selector: placement.agentSelector,
      } as const;
      return await coordination.probes.ask(probe, answerMs, this.#signal);
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof IdraError)) throw error;
      return error;
    }
  }
}

function knownOf({ uid, generation, checkedAt, isReachable, code }: DataSourceReport): Known {
  const isWell = isReachable && code === undefined;
  return { uid, generation, isWell, dueMs: Date.parse(checkedAt) + (isWell ? wellEveryMs : unwellEveryMs) };
}

type CheckResult = Pick<DataSourceReport, 'isReachable' | 'message' | 'agent'> &
  Partial<Pick<DataSourceReport, 'code' | 'serverVersion'>>;

function reportOf(answer: ProbeAnswer | IdraError, leader: string): CheckResult {
  if (answer instanceof IdraError)
    return { isReachable: false, code: answer.code, message: describeError(answer), agent: leader };
  const { agent, error } = answer;
  if (error) return { isReachable: false, ...error, agent };
  const { version, findings } = answer.result as CheckAnswer;
  const worst =
    findings.find(({ severity }) => severity === 'error') ??
    findings.find(({ severity }) => severity === 'warning');
  const more = worst
    ? { code: worst.code, message: describeError(worst) }
    : { message: `reached ${version}` };
  return { isReachable: worst?.severity !== 'error', serverVersion: version, ...more, agent };
}
