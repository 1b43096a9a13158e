import type { Finding } from '../errors.ts';
import type { Condition } from './conditions.ts';

/**
 * A constraint between fields. One list yields validation in code and the rules of the custom resources, with the same message.
 * `condition` is evaluated only when every single field is valid.
 */
export interface Rule {
  /** Field at fault, relative to the spec. */
  readonly path: string;
  readonly condition: Condition;
  readonly message: string;
  readonly fix: string;
  /** Applies only to a cluster: single mode has one machine and its files. */
  readonly isForCluster?: true;
}

/** Where a manifest runs. */
export type Surroundings = 'single' | 'cluster';

export function brokenRules(rules: readonly Rule[], spec: unknown, where: Surroundings): Finding[] {
  return rules
    .filter((rule) => !(rule.isForCluster && where === 'single') && !rule.condition.holds(spec))
    .map(({ path, message, fix }) => manifestFinding(`spec.${path}`, message, fix));
}

export function manifestFinding(path: string, message: string, fix: string): Finding {
  return { severity: 'error', code: 'ManifestInvalid', path, message, fix };
}
