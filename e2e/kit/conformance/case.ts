import type { Mode, StartKind, WriteMode } from '../../../core/sync-spec.ts';
import type { Context } from './context.ts';
import type { Abilities, TestSystem } from './harness.ts';

/** One guarantee of a connector. It depends on declared capabilities, never on which system it is. */
export interface Case {
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Run with canonical values as well as with the raw format that the system would choose. */
  readonly isForEachFormat?: boolean;
  run(context: Context): Promise<void>;
}

export type Need = (system: TestSystem) => boolean;

export const reads =
  (mode: Mode): Need =>
  ({ definition }) =>
    definition.capabilities.source.modes.includes(mode);

export const writes =
  (mode: WriteMode): Need =>
  ({ definition }) =>
    definition.capabilities.destination.writeModes.includes(mode);

export const can =
  (ability: keyof Abilities): Need =>
  ({ lacks }) =>
    lacks[ability] === undefined;

export const isTransactional: Need = can('transactions');

export const hasLargest: Need = ({ definition }) => definition.capabilities.destination.hasLargest;

/** The destination applies deletions. */
export const deletes: Need = ({ definition }) => definition.capabilities.destination.canDelete;

export const seesDeletes =
  (mode: Mode): Need =>
  ({ definition }) =>
    definition.capabilities.source.seesDeletes.includes(mode);

export const startsFrom =
  (kind: StartKind): Need =>
  ({ definition }) =>
    definition.capabilities.source.startKinds?.includes(kind) === true;

export const isOffered = (each: Case, system: TestSystem): boolean =>
  (each.needs ?? []).every((need) => need(system));
