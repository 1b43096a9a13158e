import { z } from 'zod';
import type { Definition, SystemFields } from '../definition.ts';
import type { Mode } from '../sync-spec.ts';
import { all, exactlyOne, has, implies, isFilled } from './conditions.ts';
import { labels } from './fields.ts';
import type { Rule } from './rules.ts';

/** A system that a DataSource can name. */
export type SystemSchema = Pick<
  Definition,
  'type' | 'title' | 'config' | 'fields' | 'isLocalFile' | 'capabilities'
>;

const sharedFields = {
  maxConcurrentSyncs: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      'Maximum number of Syncs that move rows of the system at the same time, across all agents; Syncs that wait for rows do not count; 1: exclusive; default: 8; 0: no limit.',
    ),
  maxRowsPerSecond: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe(
      'Maximum rows per second of all Syncs that use the system, across all agents; default: no limit.',
    ),
  placement: z
    .strictObject({
      agentSelector: labels().optional().describe('Labels that an agent must have to reach the system.'),
    })
    .optional()
    .describe('Which agents can reach the system; required in a cluster if it is a file of one agent.'),
};

/** The spec of a DataSource: one optional object per system. */
export function dataSourceSpecSchema(systems: readonly SystemSchema[]) {
  const objects = systems.map(({ type, title, config }) => [
    type,
    config.optional().describe(`How to reach ${title}.`),
  ]);
  return z.strictObject({
    ...(Object.fromEntries(objects) as Record<string, z.ZodOptional<z.ZodObject>>),
    ...sharedFields,
  });
}

/** What the systems have together. */
export interface Offered extends SystemFields {
  /** The fields of each system. */
  readonly systems: readonly SystemFields[];
  readonly seesDeletes: readonly Mode[];
}

export function offeredBy(systems: readonly SystemSchema[]): Offered {
  const fieldsOf = (end: 'source' | 'destination') => systems.flatMap(({ fields }) => fields[end]);
  return {
    systems: systems.map(({ fields }) => fields),
    source: distinct(fieldsOf('source')),
    destination: distinct(fieldsOf('destination')),
    seesDeletes: distinct(systems.flatMap(({ capabilities }) => capabilities.source.seesDeletes)),
  };
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

export function dataSourceRules(systems: readonly SystemSchema[]): readonly Rule[] {
  const types = systems.map((each) => each.type);
  return [
    {
      path: types[0] ?? '',
      condition: exactlyOne(...types),
      message: 'a DataSource must set exactly one system',
      fix: `keep one of ${types.join(', ')}`,
    },
    ...systems.filter((each) => each.isLocalFile).map(placementRule),
    ...systems.flatMap(rulesOfSystem),
  ];
}

function placementRule({ type, title }: SystemSchema): Rule {
  return {
    path: 'placement',
    condition: implies(has(type), isFilled('placement.agentSelector')),
    message: `a ${title} file is on the disk of one agent, and another agent would find an empty file`,
    fix: 'pin it to the agent whose volume has the file: placement: { agentSelector: { LABEL: VALUE } }',
    isForCluster: true,
  };
}

function rulesOfSystem({ type, config }: SystemSchema): Rule[] {
  if (!('tls' in config.shape)) return [];
  const [cert, key] = [`${type}.tls.certSecretRef`, `${type}.tls.keySecretRef`];
  return [
    {
      path: `${type}.tls`,
      condition: all(implies(has(cert), has(key)), implies(has(key), has(cert))),
      message: 'a client certificate requires its key, and the key its certificate',
      fix: 'set both certSecretRef and keySecretRef, or neither',
    },
  ];
}

/** `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
