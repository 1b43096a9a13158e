import { findingOf } from '../../agent/engine/preview.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { asIdraError, type Finding } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import { statusOf } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import type { Examination } from './contract.ts';

export interface Checked {
  readonly kind: 'DataSource' | 'Sync';
  readonly name: string;
  readonly version?: string;
  readonly findings: readonly Finding[];
  /** No agent could be asked. */
  readonly isUnanswered?: true;
  /** The DataSources that failed, so that nothing is known of this Sync. */
  readonly notCheckedFor?: readonly string[];
}

/**
 * Checks all data sources concurrently, and each Sync as soon as both of its own are known to be reachable; a Sync of one
 * that is not says so. `onChecked` is called for
 * each as soon as its result is known, so that one that does not answer delays no other. Returns all, data sources first.
 */
export async function checkAll(
  examination: Examination,
  onChecked: (checked: Checked) => void = () => {},
): Promise<readonly Checked[]> {
  const report = (checked: Checked) => {
    onChecked(checked);
    return checked;
  };
  const systems = new Map(
    examination.dataSources.map((each) => [
      qualifiedName(each),
      checkDataSource(examination, each).then(report),
    ]),
  );
  const syncs = examination.syncs.map(async (sync) => {
    const { source, destination } = sync.spec;
    const names = [source, destination].map((end) => `${sync.namespace}/${end.dataSource}`);
    const ends = await Promise.all([...new Set(names)].map((name) => systems.get(name)));
    const notCheckedFor = ends.flatMap((end) => (end && end.version === undefined ? [end.name] : []));
    if (notCheckedFor.length === 0) return report(await checkSync(examination, sync));
    return report({ kind: 'Sync', name: qualifiedName(sync), findings: [], notCheckedFor });
  });
  const [checkedSystems, checkedSyncs] = await Promise.all([
    Promise.all(systems.values()),
    Promise.all(syncs),
  ]);
  return [...checkedSystems, ...checkedSyncs];
}

/** Findings about what a mode by id or timestamp reads. A Sync with such a mode reports them, too, as warnings. */
const ofLateRows: readonly ErrorCode[] = ['LateRowsBySafetyLag', 'Standby'];

/** Without Syncs, a DataSource is checked for whatever may be done with it. */
function isRelevant({ code }: Finding, { syncs }: Examination, dataSource: DataSource): boolean {
  const isRead = ({ namespace, spec }: Sync) =>
    `${namespace}/${spec.source.dataSource}` === qualifiedName(dataSource) && spec.mode !== 'Snapshot';
  return !ofLateRows.includes(code) || syncs.length === 0 || syncs.some(isRead);
}

async function checkDataSource(examination: Examination, dataSource: DataSource): Promise<Checked> {
  const about = { kind: 'DataSource' as const, name: qualifiedName(dataSource) };
  try {
    const report = await examination.check(dataSource);
    const findings = report.findings.filter((each) => isRelevant(each, examination, dataSource));
    return { ...about, version: report.version, findings };
  } catch (thrown) {
    const error = asIdraError(thrown);
    if (error.code === 'NoAgentAnswered')
      return { ...about, findings: [findingOf(error)], isUnanswered: true };
    if (statusOf(error) === exitStatus.unavailable) throw error;
    return { ...about, findings: [findingOf(error)] };
  }
}

async function checkSync(examination: Examination, sync: Sync): Promise<Checked> {
  const { findings } = await examination.plan(sync);
  return { kind: 'Sync', name: qualifiedName(sync), findings };
}
