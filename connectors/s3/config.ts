import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';

/** The DataSource's `s3` object after validation by its schema. */
export interface S3Config {
  readonly bucket: string;
  readonly region: string;
  /** Undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly isPathStyle: boolean;
  /** Undefined: the identity of the process. */
  readonly keys: Keys | undefined;
  readonly ca: string | undefined;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const keyFields = ['accessKeyId', 'secretAccessKey'] as const;

/** Throws CredentialsMissing. */
export function readConfig(access: SystemAccess): S3Config {
  const { bucket, region, endpoint, forcePathStyle } = access.config;
  const given = typeof endpoint === 'string' ? endpoint : undefined;
  const [accessKeyId, secretAccessKey] = keyFields.map((field) => access.secret(field)?.reveal());
  const missing = keyFields.find((field) => access.secret(field) === undefined);
  if (missing !== undefined) requireIdentity(access, missing, given);
  return {
    bucket: String(bucket),
    region: typeof region === 'string' ? region : 'us-east-1',
    endpoint: given,
    isPathStyle: typeof forcePathStyle === 'boolean' ? forcePathStyle : given !== undefined,
    keys:
      accessKeyId !== undefined && secretAccessKey !== undefined
        ? { accessKeyId, secretAccessKey }
        : undefined,
    ca: access.secret('ca')?.reveal(),
  };
}

/** The session token of the process's own identity is sent to AWS only, never to an address that a manifest names. */
function requireIdentity(access: SystemAccess, missing: string, endpoint: string | undefined): void {
  const hasOneKey = keyFields.some((field) => access.secret(field) !== undefined);
  if (!hasOneKey && (endpoint === undefined || isOfAws(endpoint))) return;
  const what = hasOneKey ? `${missing}SecretRef is missing` : `an endpoint other than AWS needs keys`;
  throw permanent('CredentialsMissing', `${access.dataSource}: ${what}`, {
    path: `spec.s3.${missing}SecretRef`,
    fix: 'set both accessKeyIdSecretRef and secretAccessKeySecretRef',
  });
}

function isOfAws(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' && /(^|\.)amazonaws\.com(\.cn)?$/.test(hostname);
}
