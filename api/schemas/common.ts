import { z } from 'zod';
import { roles } from '../access/roles.ts';

export const time = () => z.string().meta({ format: 'date-time' });
export const count = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const name = () => z.string().min(1).max(253);

export const objectParams = z.strictObject({
  namespace: name().describe('Namespace.'),
  name: name().describe('Name.'),
});

/** Query parameters are text. */
export const intText = (min: number, max: number, byDefault: number) =>
  z.coerce.number().int().min(min).max(max).default(byDefault);

export const paging = {
  limit: intText(1, 500, 100).describe('Number of items.'),
  offset: intText(0, 1_000_000, 0).describe('Number of items to skip.'),
};

/** A parameter that may be repeated. */
export const several = (each: z.ZodType<string, string>) =>
  z.union([each, z.array(each).max(50)]).transform((given) => (Array.isArray(given) ? given : [given]));

/** As in the custom resource, but computed here: since when they hold is known only to Kubernetes. */
export const conditions = z
  .array(
    z.looseObject({
      type: z.string(),
      status: z.enum(['True', 'False', 'Unknown']),
      reason: z.string(),
      message: z.string(),
    }),
  )
  .optional();

export const labels = z.record(z.string().max(317), z.string().max(63));

export const finding = z
  .strictObject({
    severity: z.enum(['error', 'warning', 'info']),
    code: z.string().describe('Error code; docs/errors.md has its cause and remedy.'),
    message: z.string(),
    place: z.string().optional().describe('`file:line`, where it was read from a file.'),
    path: z.string().optional().describe('Field: `spec.source.table`.'),
    fix: z.string().optional().describe('What to do.'),
  })
  .meta({ id: 'Finding' });

export const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Error code; docs/errors.md has its cause and remedy.'),
    path: z.string().optional().describe('Field at fault.'),
    fix: z.string().optional().describe('What to do.'),
    findings: z.array(finding),
    instance: z.string().describe('Id of the request, as in the log of the API server.'),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457).' });

export const grant = z
  .strictObject({
    role: z.enum(roles),
    namespaces: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(200)
      .describe('Names of namespaces; `*`: all, and what belongs to no namespace.'),
  })
  .meta({ id: 'Grant' });

export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@-]{0,62}$/, 'use lower case letters, digits, and . _ @ -')
  .describe('Name of the user.');
