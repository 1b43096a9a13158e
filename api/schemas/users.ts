import { z } from 'zod';
import { count, grant, paging, time, userName } from './common.ts';

export const loginMethods = z
  .strictObject({
    password: z.boolean(),
    oidc: z.boolean().describe('Begins at /api/v1/session/oidc.'),
    awaitsFirstLogin: z
      .boolean()
      .describe('Nobody has set a password yet: log in as admin with the password admin.'),
  })
  .meta({ id: 'LoginMethods' });

const password = z.string().min(1).max(1_024);

export const loginBody = z.strictObject({
  user: z.string().min(1).max(253).describe('Name of the user.'),
  password: password.describe('Password.'),
});

export const sessionInfo = z
  .strictObject({
    user: z.string(),
    grants: z.array(grant).describe('Roles by namespace.'),
    setsPassword: z.boolean().describe('Nothing is allowed before a new password is set.'),
    by: z.enum(['session', 'token']),
    csrf: z.string().describe('Send it as the header x-idra-csrf with each change; empty with a token.'),
    mode: z.enum(['single', 'etcd', 'kubernetes']),
  })
  .meta({ id: 'Session' });

export const setPasswordBody = z.strictObject({
  current: password.describe('The present password.'),
  password: password.describe('The new password: at least 12 characters, not a common one.'),
});

export const ownSession = z
  .strictObject({
    id: z.string(),
    isThis: z.boolean(),
    createdAt: time(),
    seenAt: time(),
    ip: z.string(),
    userAgent: z.string(),
  })
  .meta({ id: 'OwnSession' });
export const sessionList = z.strictObject({ items: z.array(ownSession), total: count() });

export const token = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    grants: z.array(grant),
    createdAt: z.string(),
    expiresAt: z.string(),
    lastUsedAt: z.string().optional(),
  })
  .meta({ id: 'Token' });
export const tokenList = z.strictObject({ items: z.array(token), total: count() });
export const tokenBody = z.strictObject({
  name: z.string().min(1).max(100).describe('What it is for.'),
  grants: z.array(grant).min(1).max(20).describe('Not more than the rights of the user.'),
  expiresAt: z.iso.datetime().describe('At most a year from now.'),
});
export const tokenMade = z.strictObject({
  token,
  secret: z.string().describe('The token itself, shown only now: Authorization: Bearer SECRET.'),
});
export const tokenParams = z.strictObject({ id: z.string().min(1).max(50) });

export const user = z
  .strictObject({
    name: z.string(),
    source: z.enum(['local', 'oidc']),
    grants: z.array(grant),
    isDisabled: z.boolean(),
    mustSetPassword: z.boolean(),
    createdAt: z.string(),
    passwordSetAt: z.string().optional(),
    version: z.string(),
  })
  .meta({ id: 'User' });
export const userList = z.strictObject({ items: z.array(user), total: count() });
export const userParams = z.strictObject({ name: z.string().min(1).max(253) });

export const createUserBody = z.strictObject({
  name: userName,
  password: password
    .optional()
    .describe('Must be changed at the first login; omitted: the user cannot log in yet.'),
  grants: z.array(grant).max(20),
});
export const updateUserBody = z.strictObject({
  grants: z.array(grant).max(20).optional(),
  isDisabled: z.boolean().optional(),
  password: password.optional().describe('Must be changed at the next login.'),
});

export const auditEntry = z
  .strictObject({
    id: z.string(),
    time: time(),
    by: z.strictObject({
      user: z.string(),
      token: z.string().optional().describe('Id of the API token.'),
      ip: z.string(),
      userAgent: z.string(),
    }),
    action: z.string(),
    object: z.string(),
    namespace: z.string().optional(),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
    outcome: z.enum(['Started', 'Done', 'Failed']).describe('Started: the outcome was not recorded.'),
    code: z.string().optional().describe('Code of the error.'),
  })
  .meta({ id: 'AuditEntry' });

export const auditQuery = z.strictObject({
  user: z.string().max(253).optional(),
  action: z.string().max(100).optional(),
  object: z.string().max(600).optional().describe('Part of the object: `Sync team-a/orders`.'),
  namespace: z.string().max(253).optional(),
  before: z
    .string()
    .regex(/^\d{13}-[0-9a-f]{12}$/)
    .optional()
    .describe('Id of the last entry of the page before.'),
  limit: paging.limit,
});
export const auditList = z.strictObject({ items: z.array(auditEntry), hasMore: z.boolean() });
