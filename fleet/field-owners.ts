import { isDeepStrictEqual } from 'node:util';
import { IdraError } from '../core/errors.ts';

/** Who has set a field of a custom resource last, as the API server of Kubernetes records it. */
export interface FieldOwner {
  /** `spec.schedule.every`. */
  readonly path: string;
  readonly manager: string;
  /** `Apply`: server-side apply, which removes what is left out. */
  readonly operation: string;
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

/** Who has set a field of the spec last, without the fields; several if it was within one second, which is how exact Kubernetes is. */
export function lastSpecChanges(managedFields: readonly unknown[] | undefined): readonly ManagedFields[] {
  const ofSpec = ((managedFields ?? []) as readonly ManagedFields[]).filter(
    ({ subresource, fieldsV1 }) => subresource === undefined && fieldsV1?.['f:spec'] !== undefined,
  );
  const last = ofSpec
    .map(({ time = '' }) => time)
    .sort()
    .at(-1);
  return ofSpec
    .filter(({ time = '' }) => time === last)
    .map((entry) => ({ ...entry, fieldsV1: { 'f:spec': {} } }));
}

type Spec = Readonly<Record<string, unknown>>;

/** The owners of fields of the spec. Several may own one field, with the same value. */
export function fieldOwners(managedFields: readonly unknown[] | undefined): readonly FieldOwner[] {
  return ((managedFields ?? []) as readonly ManagedFields[]).flatMap(
    ({ manager = 'unknown', operation = 'Update', subresource, fieldsV1 }) => {
      const spec = fieldsV1?.['f:spec'];
      if (subresource !== undefined || !isObject(spec)) return [];
      return leavesOf(spec, 'spec').map((path) => ({ path, manager, operation }));
    },
  );
}

function leavesOf(fields: Readonly<Record<string, unknown>>, path: string): string[] {
  const below = Object.entries(fields).filter(([key]) => key.startsWith('f:'));
  // Items of lists are not told apart: the list is one field.
  if (below.length === 0) return [path];
  return below.flatMap(([key, value]) => leavesOf(isObject(value) ? value : {}, `${path}.${key.slice(2)}`));
}

/** Changes that would take a field from somebody else. */
export class FieldsOwned extends IdraError {
  readonly conflicts: readonly FieldOwner[];

  constructor(name: string, conflicts: readonly FieldOwner[]) {
    const managers = [...new Set(conflicts.map(({ manager }) => manager))].join(', ');
    super({
      code: 'FieldOwnedElsewhere',
      disposition: 'permanent',
      message: `${conflicts.map(({ path }) => path).join(', ')} of ${name} is set by ${managers}`,
      path: conflicts[0]?.path,
      fix: isFileOwner(conflicts)
        ? 'confirm to take the fields over; the next kubectl apply may set them again'
        : `change it where ${managers} gets it from, such as Git`,
    });
    this.conflicts = conflicts;
  }
}

/** Whether only kubectl applied these fields: a person may take them over. Helm, Argo CD or Flux would set them again. */
export function isFileOwner(conflicts: readonly FieldOwner[]): boolean {
  return conflicts.every(({ manager }) => manager.startsWith('kubectl'));
}

/** Changed by hand, not applied from a file: nobody sets such a field again. */
const byHand = /^(kubectl-(edit|patch|create|replace|label|annotate)|idra.*)$/;

/** The fields that differ from `before` and that others set and may set again. */
export function conflictsOf(
  before: Spec,
  wanted: Spec,
  owners: readonly FieldOwner[],
  self: string,
): readonly FieldOwner[] {
  const changed = changedPaths(before, wanted, 'spec');
  return owners.filter(
    ({ path, manager }) =>
      manager !== self &&
      !byHand.test(manager) &&
      changed.some((each) => each === path || path.startsWith(`${each}.`) || each.startsWith(`${path}.`)),
  );
}

/** Paths of fields that differ; a field that is missing on one side is one path. */
export function changedPaths(before: unknown, wanted: unknown, path: string): readonly string[] {
  if (isDeepStrictEqual(before, wanted)) return [];
  if (!isObject(before) || !isObject(wanted)) return [path];
  return [...new Set([...Object.keys(before), ...Object.keys(wanted)])].flatMap((key) =>
    changedPaths(before[key], wanted[key], `${path}.${key}`),
  );
}

/** The wanted spec without what others have set to the same value: their fields stay theirs alone. */
export function withoutForeign(
  wanted: Spec,
  before: Spec,
  owners: readonly FieldOwner[],
  self: string,
): Spec {
  const own = new Set(owners.filter(({ manager }) => manager === self).map(({ path }) => path));
  const foreign = new Set(owners.filter(({ manager }) => manager !== self).map(({ path }) => path));
  const kept = (value: unknown, same: unknown, path: string): unknown => {
    if (isObject(value) && isObject(same) && !foreign.has(path)) {
      const entries = Object.entries(value).map(([key, each]) => [
        key,
        kept(each, same[key], `${path}.${key}`),
      ]);
      const left = entries.filter(([, each]) => each !== undefined);
      return left.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(left);
    }
    return foreign.has(path) && !own.has(path) && isDeepStrictEqual(value, same) ? undefined : value;
  };
  return (kept(wanted, before, 'spec') ?? {}) as Spec;
}

/** Whether a field is left out that server-side apply of `self` would not remove, because others own it as well. */
export function removesForeign(
  before: Spec,
  wanted: Spec,
  owners: readonly FieldOwner[],
  self: string,
): boolean {
  const isGone = (path: string) =>
    path
      .split('.')
      .slice(1)
      .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), wanted) === undefined;
  return changedPaths(before, wanted, 'spec')
    .filter(isGone)
    .some((path) =>
      owners.some(
        (owner) =>
          (owner.path === path || owner.path.startsWith(`${path}.`)) &&
          !(owner.manager === self && owner.operation === 'Apply'),
      ),
    );
}

/** A merge patch that makes `before` into `wanted`. */
export function mergePatchOf(before: unknown, wanted: unknown): unknown {
  if (!isObject(before) || !isObject(wanted)) return wanted;
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(wanted)])]
      .filter((key) => !isDeepStrictEqual(before[key], wanted[key]))
      .map((key) => [key, key in wanted ? mergePatchOf(before[key], wanted[key]) : null]),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
