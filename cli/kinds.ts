import { permanent } from '../core/errors.ts';
import type { ManifestKind } from '../core/manifest/names.ts';

export const kindWords: Readonly<Record<ManifestKind, readonly string[]>> = {
  Sync: ['syncs', 'sync', 'sy'],
  DataSource: ['datasources', 'datasource', 'dsrc'],
};

export const agentWords: readonly string[] = ['agents', 'agent'];

/** Parses `sync`, `syncs`, `ds`..., as kubectl does. Throws CallInvalid. */
export function kindOf(word: string): ManifestKind {
  const kinds: readonly ManifestKind[] = ['Sync', 'DataSource'];
  const kind = kinds.find((each) => kindWords[each].includes(word.toLowerCase()));
  if (kind) return kind;
  throw permanent('CallInvalid', `unknown kind "${word}"`, { fix: 'use sync or datasource' });
}
