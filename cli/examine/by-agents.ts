import { randomUUID } from 'node:crypto';
import type { OffsetEffect } from '../../agent/engine/offset-effect.ts';
import { findingOf, type Preview } from '../../agent/engine/preview.ts';
import { manifests } from '../../connectors/catalog.ts';
import type { Coordination } from '../../coordination/contract.ts';
import type { SystemReport } from '../../core/connector.ts';
import { asIdraError, type Finding } from '../../core/errors.ts';
import type { ManifestObject } from '../../core/manifest/reader.ts';
import { qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { agentAsker } from '../../fleet/ask-agents.ts';
import { InputWrong } from '../findings.ts';
import { finding, type ManifestSource } from '../manifests/objects.ts';
import { missingDataSources, readFiles } from '../manifests.ts';
import type { Examination, ExamineOptions } from './contract.ts';

interface Objects {
  readonly syncs: readonly ManifestObject[];
  readonly dataSources: readonly ManifestObject[];
}

/**
 * Asks the agents of a cluster: only they have its credentials and network access. They know the data sources that are applied; a Sync
 * may come from a file. Rejects with NoAgentAnswered (transient) if none can answer, and otherwise with the agent's own error and code.
 */
export async function examineByAgents(
  etcd: Coordination,
  options: ExamineOptions,
  signal: AbortSignal,
): Promise<Examination> {
  const objects = await objectsOf(etcd, options);
  const readable = objects.syncs.map((object) => ({ object, sync: manifests.readSync(object) }));
  const chosen = readable.filter(
    ({ sync }) => options.only === undefined || [sync.name, qualifiedName(sync)].includes(options.only),
  );
  const objectByUid = new Map(chosen.map(({ object, sync }) => [sync.uid, object]));
  const dataSources = objects.dataSources.map((object) => manifests.readDataSource(object));
  const ask = await agentAsker(etcd, signal);
  const endsOf = ({ namespace, spec }: Sync) =>
    [spec.source.dataSource, spec.destination.dataSource].map((name) =>
      dataSources.find((each) => each.namespace === namespace && each.name === name),
    );
  return {
    syncs: chosen.map(({ sync }) => sync),
    dataSources,
    check: async (dataSource) =>
      (await ask('check', qualifiedName(dataSource), [dataSource])) as SystemReport,
    discover: async (dataSource) =>
      (await ask('discover', qualifiedName(dataSource), [dataSource])) as readonly Relation[],
    async offsetEffect(sync, value) {
      const subject = { sync: objectByUid.get(sync.uid), value };
      return (await ask('offset', subject, [sync, ...endsOf(sync)])) as OffsetEffect;
    },
    async plan(sync) {
      try {
        return (await ask('plan', objectByUid.get(sync.uid), [sync, ...endsOf(sync)])) as Preview;
      } catch (thrown) {
        const error = asIdraError(thrown);
        if (error.disposition !== 'permanent' && error.code !== 'NoAgentAnswered') throw error;
        return { columns: [], statements: [], findings: [findingOf(error)] };
      }
    },
  };
}

/**
 * Agents open only what is applied: otherwise a user who may ask them could have one of their Secrets sent to a server of the user's own.
 */
function notApplied({ placeOf, namespace, name }: ManifestSource): Finding {
  const message = `DataSource ${namespace}/${name} is only in this file, and agents check only DataSources that are applied`;
  const fix =
    'apply it first (a DataSource alone moves nothing), or omit --agents to check from this machine';
  return finding(placeOf('metadata.name'), 'metadata.name', message, fix);
}

async function objectsOf(etcd: Coordination, { filename, namespace }: ExamineOptions): Promise<Objects> {
  const stored = await etcd.desired.read();
  const isHere = (object: ManifestObject) => namespace === undefined || object.namespace === namespace;
  const dataSources = stored.dataSources.filter(isHere);
  if (filename === undefined) {
    return {
      dataSources,
      syncs: stored.syncs.filter((each) => isHere(each) && each.deletedAt === undefined),
    };
  }
  const files = readFiles(filename, 'cluster', namespace);
  const applied = stored.dataSources.map(qualifiedName);
  const findings = [
    ...files.findings,
    ...missingDataSources(files, applied),
    ...files.sources
      .filter((each) => each.kind === 'DataSource' && !applied.includes(qualifiedName(each)))
      .map(notApplied),
  ];
  if (findings.length > 0) throw new InputWrong(findings);
  const syncs = files.manifests
    .filter(({ source }) => source.kind === 'Sync')
    .map(({ source, spec }) => {
      const known = stored.syncs.find((each) => qualifiedName(each) === qualifiedName(source));
      const { namespace: where, name } = source;
      return {
        uid: known?.uid ?? randomUUID(),
        namespace: where,
        name,
        generation: known?.generation ?? 1,
        spec,
      };
    });
  return { dataSources, syncs };
}
