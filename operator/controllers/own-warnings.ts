import { group, managedByAnnotation, suspendAnnotation } from '../../core/manifest/names.ts';
import { nearest } from '../../core/nearest.ts';
import { version } from '../../core/version.ts';
import type { ObjectEvent } from '../runtime/events.ts';
import type { SyncObject, SyncObjectStatus } from './objects.ts';
import { requestTypes } from './requests.ts';

/** One sentence for each field of an object that has no effect. */
export function ignoredFields(paths: readonly string[]): readonly string[] {
  return paths.map((path) => `${path} is not known to this version of Idra (${version}) and is ignored`);
}

const names = ['suspend', ...Object.keys(requestTypes)];

/** Annotations with Idra's prefix that have no effect. */
export function ignoredAnnotations({ metadata }: SyncObject): readonly string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([annotation, value]) => {
    if (!annotation.startsWith(`${group}/`)) return [];
    if (annotation === managedByAnnotation) return [];
    if (annotation === suspendAnnotation) {
      if (value === 'true' || value === 'false') return [];
      return [`the annotation ${annotation} is neither "true" nor "false" and is ignored`];
    }
    const name = annotation.slice(group.length + 1);
    if (names.includes(name)) return [];
    const near = nearest(name, names);
    const remedy = near ? `did you mean ${group}/${near}?` : `known are ${names.join(', ')}`;
    return [`the annotation ${annotation} is not known and is ignored: ${remedy}`];
  });
}

/** Events for warnings that the status reports for the first time. */
export function ofIgnored(before: SyncObjectStatus, warnings: readonly string[]): readonly ObjectEvent[] {
  return warnings
    .filter((each) => !before.warnings?.includes(each))
    .map((note) => ({ type: 'Warning', reason: 'Ignored', action: 'Read', note }));
}
