import { TrendRecorder } from '../../agent/trend-recorder.ts';
import { openStateFile, type StateFile } from '../../coordination/single/state-file.ts';
import type { TrendSlot } from '../../coordination/trends.ts';
import { Stopped } from '../../core/errors.ts';
import type { Sync } from '../../core/sync-spec.ts';
import { trendKinds } from '../../core/trend.ts';
import { type SingleObject, singleFleet } from '../../fleet/single.ts';
import { EnvironmentReader } from '../../process/environment.ts';
import { limitDrain } from '../../process/limit-drain.ts';
import { readBytesInFlight } from '../../process/memory.ts';
import type { Cli } from '../cli.ts';
import { identifySyncs, type Manifests, readManifests } from '../manifests.ts';
import { runAll } from '../single/run.ts';
import { defaultStatePath } from '../with-fleet.ts';
import type { ApiCommandOptions, OpenInstallation } from './contract.ts';
import { localAsker } from './local-asker.ts';

/** Single mode: this process also runs the Syncs of the files, as `idra run` does. */
export async function openSingleInstallation(
  cli: Cli,
  options: ApiCommandOptions & { readonly filename: string },
  stop: AbortSignal,
): Promise<OpenInstallation> {
  const manifests = readManifests(cli, options.filename);
  const state = openStateFile(options.state ?? defaultStatePath);
  const reader = new EnvironmentReader(cli.env);
  const drainMs = reader.durationMs('IDRA_DRAIN_TIMEOUT', '25s', 0);
  const drain = limitDrain(stop, drainMs, () => state.endLocks(new Stopped('shutdown')));
  const syncs = identifySyncs(manifests.syncs, state);
  const uids = new Map(syncs.map(({ namespace, name, uid }) => [`${namespace}/${name}`, uid]));
  const { fleet, view } = singleFleet({
    state,
    syncs: objectsOf(manifests, 'Sync', (name) => uids.get(name) ?? name),
    dataSources: objectsOf(manifests, 'DataSource', (name) => name),
  });
  const end = new AbortController();
  const running = runAll({
    syncs,
    dataSources: manifests.dataSources,
    secrets: manifests.secrets,
    state,
    progress: { update() {}, end() {} },
    isOnce: false,
    bytesInFlight: readBytesInFlight(reader),
    stop: AbortSignal.any([stop, end.signal]),
  });
  running.catch(() => {});
  return {
    mode: 'single',
    fleet,
    view,
    documents: state.documents,
    watchTrends: (listener) => recordTrends(syncs, state, listener),
    agents: undefined,
    openAsker: async (signal) => localAsker({ manifests, state, signal }),
    offsetHistory: async ({ uid }) => state.history(uid),
    // Syncs with schedule once end; the API goes on to show them.
    running: running.then(() => new Promise<void>(() => {})),
    async close() {
      end.abort(new Stopped('shutdown'));
      await running.catch(() => {});
      await view.close();
      drain.dispose();
      state.close();
    },
  };
}

/** In memory only: they begin with the process. */
function recordTrends(
  syncs: readonly Sync[],
  state: StateFile,
  listener: (slot: TrendSlot) => void,
): () => Promise<void> {
  const recorder = new TrendRecorder();
  const statuses = () => syncs.flatMap(({ uid }) => state.readStatus(uid) ?? []);
  const timer = setInterval(() => {
    for (const slot of recorder.take(statuses(), Date.now())) listener({ ...slot, agent: 'local' });
  }, trendKinds.fine.stepMs);
  timer.unref();
  return async () => clearInterval(timer);
}

function objectsOf(
  { written }: Manifests,
  kind: string,
  uidOf: (name: string) => string,
): readonly SingleObject[] {
  return written
    .filter(({ source }) => source.kind === kind)
    .map(({ source, spec }) => {
      const { namespace, name, isSuspendedByAnnotation } = source;
      const flag = isSuspendedByAnnotation === undefined ? {} : { isSuspendedByAnnotation };
      return { uid: uidOf(`${namespace}/${name}`), namespace, name, spec, ...flag };
    });
}
