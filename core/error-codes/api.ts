import type { ErrorEntries } from './entry.ts';

/** The API server: logins, rights, and requests that it refuses. */
export const apiCodes = {
  AccessDenied: {
    cause: 'The user or token has no role that allows this.',
    remedy: 'Ask an administrator for the role that the message names.',
    systems: ['API'],
  },
  AuditNotWritten: {
    cause: 'The entry of the audit log could not be written, so the change was not made.',
    remedy: 'Check the storage that the message names (etcd, or the state file), then retry.',
    systems: ['API'],
  },
  BodyTooLarge: {
    cause: 'The body of the request is larger than 1 MiB.',
    remedy: 'Send less; a manifest of this size would not be stored.',
    systems: ['API'],
  },
  CrossSiteRequest: {
    cause:
      'A request that changes something came without the CSRF token of the session, from another site, or for a host name that the API server does not have.',
    remedy:
      'Send the header x-idra-csrf with the token of GET /api/v1/session; behind a proxy set IDRA_API_EXTERNAL_URL to the address that users see.',
    systems: ['API'],
  },
  LastAdmin: {
    cause: 'Without this user nobody could administer users.',
    remedy: 'Give another user the role admin for all namespaces first.',
    systems: ['API'],
  },
  LoginFailed: {
    cause: 'User name or password is wrong, or the user is disabled.',
    remedy: 'Check both; an administrator can set a new password.',
    systems: ['API'],
  },
  LoginThrottled: {
    cause: 'There were too many attempts to log in.',
    remedy: 'Wait for the time that the header Retry-After names.',
    systems: ['API'],
  },
  NotReady: {
    cause: 'The API server has just started and has not read everything yet, or is stopping.',
    remedy: 'Retry in a moment.',
    systems: ['API'],
  },
  NotSignedIn: {
    cause: 'The request has no valid session or token, or it has expired.',
    remedy: 'Log in, or send a token: Authorization: Bearer TOKEN.',
    systems: ['API'],
  },
  PasswordChangeNeeded: {
    cause: 'The session only permits to set a new password.',
    remedy: 'Set one with PUT /api/v1/session/password.',
    systems: ['API'],
  },
  PasswordRefused: {
    cause: 'The new password does not fulfil the rules, or the current one is wrong.',
    remedy: 'Use at least 12 characters that are not a common password.',
    systems: ['API'],
  },
  PrometheusUnavailable: {
    cause: 'IDRA_PROMETHEUS_URL is set, and Prometheus does not answer queries for charts.',
    remedy: 'Check the address and that Prometheus runs; without the variable charts come from the agents.',
    systems: ['API'],
  },
  ProviderUnavailable: {
    cause: 'The provider of OpenID Connect does not answer.',
    remedy: 'Check IDRA_API_OIDC_ISSUER and the network; log in with a password meanwhile.',
    systems: ['API'],
  },
  RequestMalformed: {
    cause: 'A parameter, header or the body of a request to the API is not valid.',
    remedy: 'Correct the field that the message names; /api/v1/openapi.json describes all of them.',
    systems: ['API'],
  },
  RouteNotFound: {
    cause: 'The API has no such path.',
    remedy: 'See /api/v1/openapi.json.',
    systems: ['API'],
  },
  SecretNotOurs: {
    cause: 'The Secret was not made by Idra (label idra.dev/secret), so it is not changed.',
    remedy: 'Choose another name, or change it with kubectl.',
    systems: ['API'],
  },
  TokenNotFound: {
    cause: 'The user has no token with this id.',
    remedy: 'List the tokens with GET /api/v1/tokens.',
    systems: ['API'],
  },
  UserExists: {
    cause: 'There is already a user with this name.',
    remedy: 'Use another name, or change the existing user.',
    systems: ['API'],
  },
  UserNotFound: {
    cause: 'There is no user with this name.',
    remedy: 'List the users with GET /api/v1/users.',
    systems: ['API'],
  },
  VersionChanged: {
    cause: 'The object was changed by somebody else since it was read (If-Match).',
    remedy: 'Read it again, compare, and repeat the change.',
    systems: ['API'],
  },
  VersionNeeded: {
    cause:
      'A change needs the header If-Match with the ETag of what was read, so that no other change is lost.',
    remedy: 'Read the object first and send its ETag.',
    systems: ['API'],
  },
} as const satisfies ErrorEntries;
