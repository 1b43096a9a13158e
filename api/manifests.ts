import { manifests } from '../connectors/catalog.ts';
import type { Finding } from '../core/errors.ts';
import { metadataFindings } from '../core/manifest/metadata-rules.ts';
import type { ManifestKind } from '../core/manifest/names.ts';
import { nearest } from '../core/nearest.ts';
import type { FleetManifest } from '../fleet/contract.ts';
import type { FleetView } from '../fleet/view/contract.ts';
import { FindingsError } from './http/problem.ts';

export interface WrittenManifest {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
  readonly spec: unknown;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The same validation as that of the command line and the custom resources. Throws a FindingsError with ManifestInvalid. */
export function readManifest(view: FleetView, written: WrittenManifest): FleetManifest {
  const { kind, namespace, name, labels } = written;
  const { findings, spec } = manifests.examine(kind, written.spec, 'cluster');
  const all = [
    ...metadataFindings(written),
    ...findings,
    ...(kind === 'Sync' && spec ? missingEnds(view, namespace, spec) : []),
  ];
  if (!spec || all.length > 0) throw new FindingsError('ManifestInvalid', all);
  return { kind, namespace, name, spec, ...(labels && { labels }) };
}

function missingEnds(view: FleetView, namespace: string, spec: Readonly<Record<string, unknown>>): Finding[] {
  return (['source', 'destination'] as const).flatMap((end): Finding[] => {
    const { dataSource } = spec[end] as { readonly dataSource: string };
    if (view.findDataSource(namespace, dataSource)) return [];
    const names = [...view.dataSources()]
      .filter((each) => each.namespace === namespace)
      .map((each) => each.name);
    const near = nearest(dataSource, names);
    return [
      {
        severity: 'error',
        code: 'DataSourceNotFound',
        path: `spec.${end}.dataSource`,
        message: `there is no DataSource ${namespace}/${dataSource}`,
        fix: near ? `did you mean ${near}?` : 'create it first, or choose another',
      },
    ];
  });
}
