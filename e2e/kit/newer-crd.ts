import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { projectFolder } from './processes.ts';
import type { KubernetesApi } from './servers.ts';

const path = `${projectFolder}/crds/idra.dev_syncs.yaml`;

/** The definition of Syncs in a later version: one more field, with a default, that this version does not know. */
export async function applyNewerSyncs(api: KubernetesApi): Promise<void> {
  const definition = parse(await readFile(path, 'utf8'));
  const { spec } = definition.spec.versions[0].schema.openAPIV3Schema.properties;
  spec.properties.fieldOfLater = { type: 'string', default: 'x' };
  await api.apply(stringify(definition));
}

export async function applyCurrentSyncs(api: KubernetesApi): Promise<void> {
  await api.apply(await readFile(path, 'utf8'));
}

export function hasFieldOfLater({ spec }: { readonly spec?: unknown }): boolean {
  return 'fieldOfLater' in (spec as object);
}
