import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { manifests as reader } from '../connectors/catalog.ts';
import type { StateFile } from '../coordination/single/state-file.ts';
import { readStored } from '../coordination/single/uids.ts';
import type { SecretReader } from '../core/access.ts';
import { type Finding, permanent } from '../core/errors.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import type { Surroundings } from '../core/manifest/rules.ts';
import { nearest } from '../core/nearest.ts';
import { type DataSource, qualifiedName, type Sync } from '../core/sync-spec.ts';
import type { SyncProgress } from '../core/sync-store.ts';
import type { Cli } from './cli.ts';
import { InputWrong } from './findings.ts';
import { readDocuments } from './manifests/documents.ts';
import { finding, type ManifestSource, sourcesOf } from './manifests/objects.ts';
import { localSecrets, referenceFindings, secretFindings } from './manifests/secrets.ts';

/** A Sync without a uid, which the state file assigns. */
export type UnidentifiedSync = Omit<Sync, 'uid'>;

/** Manifests that are valid, individually and together. */
export interface Manifests {
  readonly syncs: readonly UnidentifiedSync[];
  readonly dataSources: readonly DataSource[];
  readonly secrets: SecretReader;
  /** The same objects as written. */
  readonly written: readonly ReadManifest[];
}

/** A valid manifest; `spec` has its defaults filled in, as the API server would store it. */
export interface ReadManifest {
  readonly source: ManifestSource;
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface ReadFiles {
  readonly manifests: readonly ReadManifest[];
  /** All Syncs, DataSources and Secrets, including invalid ones. */
  readonly sources: readonly ManifestSource[];
  readonly findings: readonly Finding[];
}

/** Reads a file or folder of YAML or JSON; each manifest is validated on its own. `namespace`: for objects without one. */
export function readFiles(path: string, where: Surroundings, namespace = 'default'): ReadFiles {
  const read = readDocuments(path);
  const { sources, findings } = sourcesOf(read.documents, namespace);
  if (sources.length === 0 && read.findings.length + findings.length === 0) throw noManifest(path);
  const examined = sources.map((source) => examine(source, where));
  return {
    manifests: examined.flatMap(({ manifest }) => (manifest ? [manifest] : [])),
    sources,
    findings: [...read.findings, ...findings, ...examined.flatMap((each) => each.findings)],
  };
}

/** An empty file is an error, because it is never intended. */
function noManifest(path: string): Error {
  return permanent('FileUnreadable', `${path === '-' ? 'the standard input' : path} has no manifest`, {
    fix: 'put Sync and DataSource manifests there, or name another file or folder',
  });
}

function examine(
  source: ManifestSource,
  where: Surroundings,
): { readonly findings: readonly Finding[]; readonly manifest?: ReadManifest } {
  if (source.kind === 'Secret') return { findings: secretFindings(source) };
  const { findings, spec } = reader.examine(source.kind, source.body.spec, where);
  return {
    findings: findings.map((each) => ({ ...each, place: source.placeOf(each.path ?? 'spec') })),
    ...(spec ? { manifest: { source, spec } } : {}),
  };
}

/** For single mode: everything that the Syncs need must be in these files. Throws InputWrong with all errors. */
export function readManifests(cli: Cli, path: string): Manifests {
  const files = readFiles(path, 'single');
  const secrets = localSecrets(files.sources, cli.env);
  const ofKind = (kind: ManifestKind) => files.manifests.filter(({ source }) => source.kind === kind);
  const dataSources = ofKind('DataSource').map((manifest) => ({
    manifest,
    dataSource: reader.readDataSource({ ...identityOf(manifest.source), spec: manifest.spec }),
  }));
  const syncs = ofKind('Sync').map(({ source, spec }) => reader.readSync({ ...identityOf(source), spec }));
  const findings = [
    ...files.findings,
    ...dataSources.flatMap(({ dataSource, manifest }) =>
      referenceFindings(dataSource, secrets, manifest.source.placeOf),
    ),
    ...missingDataSources(files),
  ];
  if (findings.length > 0) throw new InputWrong(findings);
  const { manifests: written } = files;
  return { syncs, dataSources: dataSources.map((each) => each.dataSource), secrets, written };
}

/** A manifest in a file has no uid; single mode assigns the uids of Syncs. */
function identityOf({ namespace, name, isSuspendedByAnnotation }: ManifestSource) {
  return { uid: '', namespace, name, generation: 1, isSuspendedByAnnotation };
}

/** Limit of names that are compared and listed. */
const mostNamed = 20;

/**
 * Sources and destinations of Syncs that name no DataSource among the files (including invalid ones) or in `known` (`namespace/name`).
 */
export function missingDataSources(files: ReadFiles, known: readonly string[] = []): Finding[] {
  const names = new Set([
    ...files.sources.filter((each) => each.kind === 'DataSource').map(qualifiedName),
    ...known,
  ]);
  return files.manifests
    .filter(({ source }) => source.kind === 'Sync')
    .flatMap(({ source, spec }) =>
      (['source', 'destination'] as const).flatMap((end) => {
        const { dataSource } = spec[end] as { readonly dataSource: string };
        if (names.has(`${source.namespace}/${dataSource}`)) return [];
        const here = [...names]
          .filter((each) => each.startsWith(`${source.namespace}/`))
          .map((each) => each.slice(source.namespace.length + 1))
          .slice(0, mostNamed);
        const near = nearest(dataSource, here);
        const path = `spec.${end}.dataSource`;
        return finding(
          source.placeOf(path),
          path,
          `there is no DataSource ${source.namespace}/${dataSource}`,
          near
            ? `did you mean ${near}?`
            : here.length > 0
              ? `there are ${here.join(', ')}`
              : 'add its manifest',
        );
      }),
    );
}

/** All, or those of one name: `orders` or `team-a/orders`. Throws SyncNotFound. */
export function chooseSyncs(manifests: Manifests, only: string | undefined): readonly UnidentifiedSync[] {
  if (only === undefined) {
    if (manifests.syncs.length > 0) return manifests.syncs;
    throw permanent('SyncNotFound', 'these manifests have no Sync', {
      fix: 'add one, or name another path',
    });
  }
  const chosen = manifests.syncs.filter((sync) => sync.name === only || qualifiedName(sync) === only);
  if (chosen.length > 0) return chosen;
  const names = manifests.syncs.map((each) => each.name);
  const near = nearest(only, names);
  throw permanent('SyncNotFound', `these manifests have no Sync ${only}`, {
    fix: near ? `did you mean ${near}?` : `they have ${names.join(', ')}`,
  });
}

/** Each with its uid in the state file, which is created on first use. */
export function identifySyncs(syncs: readonly UnidentifiedSync[], state: StateFile): readonly Sync[] {
  return syncs.map((sync) => ({ ...sync, uid: state.identify(sync.namespace, sync.name).uid }));
}

/** For commands that only inspect systems: the uids are not stored anywhere. */
export function withoutState(syncs: readonly UnidentifiedSync[]): readonly Sync[] {
  return syncs.map((sync) => ({ ...sync, uid: randomUUID() }));
}

interface KnownSyncs {
  readonly syncs: readonly Sync[];
  /** The records of the state file, by uid. */
  readonly known: ReadonlyMap<string, { readonly progress: SyncProgress; readonly offset: string | null }>;
}

/** Each with its uid in the state file, if present. Writes nothing, and works while a run has the file open. */
export function withStateOf(path: string, unidentified: readonly UnidentifiedSync[]): KnownSyncs {
  if (!existsSync(path)) return { syncs: withoutState(unidentified), known: new Map() };
  const known = readStored(path);
  const syncs = unidentified.map((sync) => ({
    ...sync,
    uid: known.get(qualifiedName(sync))?.uid ?? randomUUID(),
  }));
  return { syncs, known: new Map([...known.values()].map((each) => [each.uid, each])) };
}

export function findDataSource(manifests: Manifests) {
  const byName = new Map(manifests.dataSources.map((each) => [qualifiedName(each), each]));
  return (namespace: string, name: string): DataSource | undefined => byName.get(`${namespace}/${name}`);
}
