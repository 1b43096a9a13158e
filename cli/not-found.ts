import { type IdraError, permanent } from '../core/errors.ts';
import type { ManifestKind } from '../core/manifest/names.ts';

export function notFound(kind: ManifestKind | 'Agent', name: string, fix: string): IdraError {
  return permanent(`${kind}NotFound`, `there is no ${kind} ${name}`, { fix });
}
