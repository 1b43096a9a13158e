import { z } from 'zod';
import { createSyncBody } from './changes.ts';
import { count, finding } from './common.ts';

const name = z.string().min(1).max(253);

export const checkResult = z
  .strictObject({
    version: z.string().describe('Of the server.'),
    findings: z.array(finding).describe('What is missing, with the statement that grants it.'),
  })
  .meta({ id: 'CheckResult' });

const column = z.strictObject({ name: z.string(), type: z.string(), isNullable: z.boolean() });

export const discoverQuery = z.strictObject({
  q: z.string().max(200).optional().describe('Part of the name.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Number of items.'),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0).describe('Number of items to skip.'),
});
export const discovered = z
  .strictObject({
    items: z.array(
      z.strictObject({
        name: z.string(),
        columns: z.array(column),
        keys: z.array(z.array(z.string())).describe('Unique columns, the primary key first.'),
        estimatedRows: z.number().optional(),
        estimatedBytes: z.number().optional(),
        findings: z.array(finding),
      }),
    ),
    total: count(),
  })
  .meta({ id: 'Discovered' });

const text = z.string().min(1).max(2_048).optional();
export const previewBody = z.strictObject({
  object: z
    .strictObject({ table: text, query: text, collection: text, path: text, prefix: text })
    .describe('One of them, as in spec.source.'),
  rows: z.int().min(1).max(20).default(10),
});
export const previewResult = z
  .strictObject({
    columns: z.array(column),
    keys: z.array(z.array(z.string())),
    rows: z
      .array(z.array(z.string().nullable()))
      .describe('Masked by the agent: each digit is 9, each letter x.'),
    estimatedRows: z.number().optional(),
  })
  .meta({ id: 'RowsPreview' });

const rowCount = z.strictObject({
  rows: count(),
  precision: z
    .enum(['exact', 'atLeast', 'atMost'])
    .describe('atLeast: it stopped counting. atMost: positions without a row are counted with them.'),
});
export const tryOffsetBody = z.strictObject({
  value: z.string().min(1).max(4_096).describe('The new offset, as for setting it.'),
});
export const offsetEffect = z
  .strictObject({
    stored: z.string().describe('The offset that is stored now, or none.'),
    wanted: z.string(),
    readAgain: rowCount.optional().describe('Rows that were read before and would be read again.'),
    skipped: rowCount.optional().describe('Rows that were not read yet and would never be.'),
    uncounted: z.string().optional().describe('Why they are not counted.'),
  })
  .meta({ id: 'OffsetEffect' });

export const planParams = z.strictObject({ namespace: name });
export const planBody = createSyncBody.omit({ labels: true });
export const planResult = z
  .strictObject({
    findings: z.array(finding),
    columns: z.array(z.strictObject({ name: z.string(), from: z.string(), to: z.string() })),
    statements: z.array(z.string()),
    guarantee: z.string().optional(),
    rowFormat: z.string().optional(),
    createsTarget: z.boolean().optional(),
    offset: z.string().optional().describe('Where it would continue; missing: from the beginning.'),
    rowsWaiting: z.number().optional().describe('A rough estimate.'),
    basedOn: z
      .string()
      .describe(
        'Version of the stored Sync, empty if there is none: send it as If-Match, so that an outdated plan is refused.',
      ),
  })
  .meta({ id: 'Plan' });
