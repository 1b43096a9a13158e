import { z } from 'zod';
import { dataSourceSpec } from './cluster.ts';
import { finding, labels } from './common.ts';
import { fieldOwner, syncQuery, syncSpec } from './syncs.ts';

export const namespaceParams = z.strictObject({ namespace: z.string().min(1).max(253) });

const name = z.string().min(1).max(253).describe('Name.');
/** Checked like a manifest, with all findings at once; the schema here is for clients. */
const described = (schema: z.ZodType) =>
  z.unknown().meta({ allOf: [{ $ref: `#/components/schemas/${z.globalRegistry.get(schema)?.id}` }] });

export const createSyncBody = z.strictObject({ name, spec: described(syncSpec), labels: labels.optional() });
export const updateSyncBody = z.strictObject({
  spec: described(syncSpec),
  labels: labels.optional().describe('Omitted: unchanged.'),
});
export const createDataSourceBody = z.strictObject({
  name,
  spec: described(dataSourceSpec),
  labels: labels.optional(),
});
export const updateDataSourceBody = z.strictObject({
  spec: described(dataSourceSpec),
  labels: labels.optional().describe('Omitted: unchanged.'),
});

const flag = z.enum(['true', 'false']).default('false');

export const putQuery = z.strictObject({
  dryRun: flag.describe('Checks everything and changes nothing.'),
  takeOwnership: flag.describe('Kubernetes: also change fields that kubectl applied from a file.'),
});

export const applied = z
  .strictObject({
    action: z.enum(['created', 'configured', 'unchanged']),
    spec: z.unknown().describe('As stored, with defaults.'),
    version: z.string().optional().describe('For If-Match; missing for a dry run.'),
  })
  .meta({ id: 'Applied' });

export const owners = z.strictObject({ items: z.array(fieldOwner) });

export const suspendBody = z.strictObject({ isSuspended: z.boolean() });

export const requestBody = z.strictObject({
  type: z.enum(['run-now', 'restart', 'keep-offset']),
});
export const waitQuery = z.strictObject({
  wait: z.coerce.number().int().min(0).max(30).default(0).describe('Seconds to wait for the outcome.'),
});
const offsetText = z.string().min(1).max(4_096);
export const setOffsetBody = z.strictObject({
  value: offsetText.describe(
    'The new offset, in the form of the stored one. To begin from the beginning: the request restart.',
  ),
  expect: offsetText.describe('The offset that must be stored now, or none.'),
});
export const undoOffsetBody = z.strictObject({
  change: z
    .strictObject({ from: offsetText, to: offsetText })
    .optional()
    .describe('The last manual change, as shown to the user; refused if it is another one now.'),
});
export const requested = z
  .strictObject({
    id: z.string(),
    state: z
      .enum(['Posted', 'Done'])
      .describe('Posted: an agent will execute it; its answer is in the status.'),
    message: z.string(),
  })
  .meta({ id: 'Requested' });

export const bulkBody = z.strictObject({
  action: z.enum(['suspend', 'resume', 'run-now', 'restart', 'delete', 'label']),
  targets: z
    .array(z.strictObject({ namespace: name, name }))
    .min(1)
    .max(1_000)
    .optional()
    .describe('These Syncs.'),
  query: syncQuery.omit({ limit: true, offset: true, sort: true }).optional().describe('Or all that match.'),
  expected: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('With query: how many match, as shown to the user; refused if more match now.'),
  labels: z
    .record(z.string().min(1).max(317), z.string().max(63).nullable())
    .optional()
    .describe('For label: null deletes one.'),
});
export const bulkResult = z
  .strictObject({
    items: z.array(
      z.strictObject({
        namespace: z.string(),
        name: z.string(),
        outcome: z.enum(['done', 'refused']),
        code: z.string().optional(),
        message: z.string().optional(),
      }),
    ),
    done: z.int().min(0),
    refused: z.int().min(0),
  })
  .meta({ id: 'BulkResult' });

export const batchBody = z.strictObject({
  items: z.array(createSyncBody).min(1).max(500).describe('The Syncs; each has an outcome of its own.'),
});
export const batchQuery = putQuery.pick({ dryRun: true });

export const secretBody = z.strictObject({
  values: z
    .record(
      z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, 'write letters, digits, -, _ and .'),
      z.string().min(1).max(65_536),
    )
    .describe('Texts by key; other keys stay as they are. They cannot be read back.'),
});

export const findings = z.strictObject({ findings: z.array(finding) });
