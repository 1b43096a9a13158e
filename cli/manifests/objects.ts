import type { Finding } from '../../core/errors.ts';
import { metadataFindings } from '../../core/manifest/metadata-rules.ts';
import { apiVersion, type ManifestKind, suspendAnnotation } from '../../core/manifest/names.ts';
import { nearest } from '../../core/nearest.ts';
import type { ManifestDocument } from './documents.ts';
import { isRecord } from './values.ts';

/** A Sync, DataSource or Secret as written; its spec is not validated yet. */
export interface ManifestSource {
  readonly kind: ManifestKind | 'Secret';
  readonly namespace: string;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isSuspendedByAnnotation?: boolean;
  readonly placeOf: (path: string) => string;
}

const kinds: readonly string[] = ['Sync', 'DataSource'] satisfies ManifestKind[];
const topFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** Objects of other kinds are ignored. Every error is reported, and objects with errors are left out. */
export function sourcesOf(documents: readonly ManifestDocument[], namespace: string) {
  const findings: Finding[] = [];
  const sources: ManifestSource[] = [];
  for (const document of documents) {
    const wrong = kindFindings(document);
    findings.push(...wrong);
    if (wrong.length > 0 || !isOurs(document)) continue;
    const source = sourceOf(document, namespace);
    findings.push(...sourceFindings(document, source, sources));
    sources.push(source);
  }
  return { sources, findings };
}

function isOurs({ value }: ManifestDocument): boolean {
  return value.apiVersion === apiVersion || (value.apiVersion === 'v1' && value.kind === 'Secret');
}

function kindFindings({ value, placeOf }: ManifestDocument): Finding[] {
  const kind = String(value.kind ?? '');
  const version = String(value.apiVersion ?? '');
  const [group] = version.split('/');
  const isIdra = group === 'idra.dev';
  if (version === '' || (!isIdra && kinds.includes(kind))) {
    const wrong = version === '' ? 'apiVersion is missing' : `apiVersion is ${version}`;
    return [
      finding(
        placeOf('apiVersion'),
        'apiVersion',
        wrong,
        `write apiVersion: ${apiVersion}, or v1 for a Secret`,
      ),
    ];
  }
  if (!isIdra) return [];
  if (version !== apiVersion) {
    return [finding(placeOf('apiVersion'), 'apiVersion', `apiVersion is ${version}`, `write ${apiVersion}`)];
  }
  if (kinds.includes(kind)) return [];
  const near = nearest(kind, kinds);
  return [
    finding(
      placeOf('kind'),
      'kind',
      kind === '' ? 'kind is missing' : `there is no kind ${kind}`,
      near ? `did you mean ${near}?` : `use ${kinds.join(' or ')}`,
    ),
  ];
}

function sourceOf({ value, placeOf }: ManifestDocument, namespace: string): ManifestSource {
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const suspend = isRecord(metadata.annotations) ? metadata.annotations[suspendAnnotation] : undefined;
  return {
    kind: value.kind as ManifestSource['kind'],
    namespace: typeof metadata.namespace === 'string' ? metadata.namespace : namespace,
    name: typeof metadata.name === 'string' ? metadata.name : '',
    body: value,
    ...(suspend === 'true' || suspend === 'false' ? { isSuspendedByAnnotation: suspend === 'true' } : {}),
    placeOf,
  };
}

function sourceFindings(
  { value, placeOf }: ManifestDocument,
  source: ManifestSource,
  earlier: readonly ManifestSource[],
): Finding[] {
  const { kind, namespace, name } = source;
  const findings: Finding[] = metadataFindings(source).map((each) => ({
    ...each,
    place: placeOf(each.path ?? ''),
  }));
  const twin = earlier.find(
    (each) => each.kind === kind && each.namespace === namespace && each.name === name,
  );
  if (twin) {
    const message = `there is another ${kind} ${namespace}/${name} at ${twin.placeOf('metadata.name')}`;
    findings.push(
      finding(placeOf('metadata.name'), 'metadata.name', message, 'give each object its own name'),
    );
  }
  const unknown = kind === 'Secret' ? [] : Object.keys(value).filter((field) => !topFields.includes(field));
  for (const field of unknown) {
    const near = nearest(field, topFields);
    const fix = near
      ? `did you mean ${near}?`
      : `known are ${topFields.join(', ')}; fields of a ${kind} belong under spec`;
    findings.push(finding(placeOf(field), field, `there is no field ${field}`, fix));
  }
  return findings;
}

export function finding(place: string, path: string, message: string, fix: string): Finding {
  return { severity: 'error', code: 'ManifestInvalid', place, path, message, fix };
}
