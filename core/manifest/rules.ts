import type { Finding } from '../errors.ts';
import type { Condition } from './conditions.ts';

/**
 * What must hold between fields. One list of them gives validation in code and the rules of the custom resources, with the same
 * message. `condition` is looked at when every field alone is valid.
 */
export interface Rule {
  /** Field that is to blame, from the spec. */
  readonly path: string;
  readonly condition: Condition;
  readonly message: string;
  readonly mend: string;
  /** Of a cluster alone: single mode has one machine and its files. */
  readonly isForCluster?: true;
}

/** Where a manifest is to run. */
export type Surroundings = 'single' | 'cluster';

export function brokenRules(rules: readonly Rule[], spec: unknown, where: Surroundings): Finding[] {
  return rules
    .filter((rule) => !(rule.isForCluster && where === 'single') && !rule.condition.holds(spec))
    .map(({ path, message, mend }) => manifestFinding(`spec.${path}`, message, mend));
}

export function manifestFinding(path: string, message: string, mend: string): Finding {
  return { severity: 'error', code: 'ManifestInvalid', path, message, mend };
}
