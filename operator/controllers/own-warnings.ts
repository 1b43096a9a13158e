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

/** An object can have thousands of annotations, and its user must not occupy the operator with them or make a status too large to be written. */
const maxExplained = 10;

/** Annotations with Idra's prefix that have no effect. */
export function ignoredAnnotations({ metadata }: SyncObject): readonly string[] {
  const { [suspendAnnotation]: suspend, ...others } = metadata.annotations ?? {};
  const unknown = Object.keys(others).filter(isUnknown);
  const warnings = unknown.slice(0, maxExplained).map(explained);
  if (suspend !== undefined && suspend !== 'true' && suspend !== 'false')
    warnings.unshift(`the annotation ${suspendAnnotation} is neither "true" nor "false" and is ignored`);
  const more = unknown.length - maxExplained;
  if (more > 0) warnings.push(`${more} more annotations of ${group} are not known and are ignored`);
  return warnings;
}

function isUnknown(annotation: string): boolean {
  if (!annotation.startsWith(`${group}/`) || annotation === managedByAnnotation) return false;
  return !names.includes(annotation.slice(group.length + 1));
}

function explained(annotation: string): string {
  const near = nearest(annotation.slice(group.length + 1), names);
  const remedy = near ? `did you mean ${group}/${near}?` : `known are ${names.join(', ')}`;
  return `the annotation ${annotation} is not known and is ignored: ${remedy}`;
}

/** Events for warnings that the status reports for the first time. */
export function ofIgnored(before: SyncObjectStatus, warnings: readonly string[]): readonly ObjectEvent[] {
  return warnings
    .filter((each) => !before.warnings?.includes(each))
    .map((note) => ({ type: 'Warning', reason: 'Ignored', action: 'Read', note }));
}
