import type { ReactNode } from 'react';
import { call, objectPath } from '../api/client.ts';
import type { Applied } from '../api/types.ts';
import type { Widget } from './schema-form.tsx';
import type { Manifest, Path } from './use-manifest.ts';
import { yamlText } from './yaml-text.ts';

export interface EditorKind {
  readonly kind: 'Sync' | 'DataSource';
  readonly path: 'syncs' | 'datasources';
  readonly list: readonly [to: string, title: string];
  readonly link: (namespace: string, name: string) => string;
  readonly widgets: (manifest: Manifest) => Readonly<Record<string, Widget>>;
  /** Above the fields of the schema. */
  readonly before?: (manifest: Manifest) => ReactNode;
  /** Below the fields of an object in the form. */
  readonly after?: (path: Path, manifest: Manifest) => ReactNode;
  /** A hook: which fields are shown first, and which are not shown at all. */
  readonly useFields: (manifest: Manifest) => ShownFields;
  /** Below the text, such as a plan. */
  readonly beside?: (draft: Draft) => ReactNode;
}

export interface ShownFields {
  readonly isMain: (path: string) => boolean;
  readonly isHidden: (path: string) => boolean;
  /** The field that comes next to those that are required. */
  readonly isFirst: (path: string) => boolean;
}

export interface Stored {
  readonly version: string;
  readonly spec: unknown;
  readonly labels: Readonly<Record<string, string>> | undefined;
}

export interface Draft {
  readonly namespace: string;
  readonly name: string;
  readonly spec: unknown;
  readonly labels: Readonly<Record<string, string>> | undefined;
}

/** `base`: what is stored, whose labels are deleted by leaving them out of the text. */
export function draftOf({ metadata, spec }: Manifest['value'], base?: Pick<Stored, 'labels'>): Draft {
  return {
    namespace: typeof metadata?.namespace === 'string' ? metadata.namespace : '',
    name: typeof metadata?.name === 'string' ? metadata.name : '',
    spec,
    labels: metadata?.labels ?? (base?.labels && {}),
  };
}

/** Whether nothing differs that an editor changes. */
export function isSame(one: Shown, other: Shown): boolean {
  return JSON.stringify([one.spec, one.labels ?? {}]) === JSON.stringify([other.spec, other.labels ?? {}]);
}

type Shown = Pick<Stored, 'spec' | 'labels'>;

/** What an editor changes, as text; labels only where there are some. */
export function shownOf({ spec, labels = {} }: Shown): string {
  return (Object.keys(labels).length > 0 ? yamlText({ labels }) : '') + yamlText(spec);
}

/** The object would be another one, whose changes nobody has seen. */
export function isRenamed({ namespace, name }: Draft, of: Of): boolean {
  return of !== undefined && (of.name !== name || of.namespace !== namespace);
}

export type Of = { readonly namespace: string; readonly name: string } | undefined;

export interface PutOptions {
  readonly isDryRun: boolean;
  readonly version?: string | undefined;
  readonly takesOwnership?: boolean;
}

/** Creates it, or changes that version of it. */
export async function put(
  { path }: EditorKind,
  { namespace, name, spec, labels }: Draft,
  { isDryRun, version, takesOwnership = false }: PutOptions,
): Promise<Applied> {
  const query = { dryRun: isDryRun, takeOwnership: takesOwnership };
  const given = { spec, ...(labels && { labels }) };
  if (version === undefined)
    return await call(`/${path}/${encodeURIComponent(namespace)}`, {
      method: 'POST',
      query,
      body: { name, ...given },
    });
  return await call(objectPath(path, namespace, name), {
    method: 'PUT',
    query,
    ifMatch: version,
    body: given,
  });
}
