import { offsetEffect } from '../../agent/engine/offset-effect.ts';
import { checkSystem, discoverSystem, endsOf, previewSync } from '../../agent/engine/preview.ts';
import { definitionOf } from '../../connectors/catalog.ts';
import { bug } from '../../core/errors.ts';
import { qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { Cli } from '../cli.ts';
import { chooseSyncs, findDataSource, readManifests, withoutState, withStateOf } from '../manifests.ts';
import type { Examination, ExamineOptions } from './contract.ts';

/** Uses only the given manifests. Throws InputWrong. */
export function examineHere(
  cli: Cli,
  { filename, only, state }: ExamineOptions & { readonly filename: string },
  signal: AbortSignal,
): Examination {
  const manifests = readManifests(cli, filename);
  const chosen = manifests.syncs.length === 0 && only === undefined ? [] : chooseSyncs(manifests, only);
  const { syncs, known } =
    state === undefined ? { syncs: withoutState(chosen), known: undefined } : withStateOf(state, chosen);
  const used = new Set(
    syncs.flatMap(({ namespace, spec }) =>
      [spec.source, spec.destination].map((end) => `${namespace}/${end.dataSource}`),
    ),
  );
  const { secrets } = manifests;
  const whole = (sync: Sync) => {
    const ends = endsOf(sync, findDataSource(manifests));
    if (!ends) throw bug(`the data sources of ${sync.name} were validated, but one is missing`);
    const stored = known?.get(sync.uid);
    const state = stored && { progress: stored.progress, storedOffset: stored.offset };
    return { sync, ...ends, secrets, definitionOf, ...state };
  };
  return {
    syncs,
    dataSources: manifests.dataSources.filter((each) => only === undefined || used.has(qualifiedName(each))),
    check: (dataSource) => checkSystem({ dataSource, secrets, definitionOf }, signal),
    discover: (dataSource) => discoverSystem({ dataSource, secrets, definitionOf }, signal),
    plan: (sync) => previewSync(whole(sync), signal),
    offsetEffect: (sync, value) => offsetEffect({ ...whole(sync), value }, signal),
  };
}
