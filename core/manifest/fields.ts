import { z } from 'zod';

/**
 * Building blocks of the schemas. Every text, list and map has a limit, so that the API server can bound the cost of the rules. Call
 * `describe` last: its sentence is shown by `kubectl explain` and in the reference.
 */
export interface TextOptions {
  readonly max: number;
  readonly pattern?: RegExp;
  /** The error text when the pattern does not match, describing valid values; used in code and by the API server. */
  readonly says?: string;
}

export function text({ max, pattern, says }: TextOptions) {
  const limited = z.string().min(1).max(max);
  return pattern && says ? limited.regex(pattern, says).meta({ patternMessage: says }) : limited;
}

export const durationText = () =>
  text({
    max: 12,
    pattern: /^(0|[1-9][0-9]{0,8})(ms|s|m|h)$/,
    says: 'write an integer and ms, s, m or h: 10s',
  });

export const positiveDurationText = () =>
  text({
    max: 12,
    pattern: /^[1-9][0-9]{0,8}(ms|s|m|h)$/,
    says: 'write an integer above 0 and ms, s, m or h: 10s',
  });

/** From 1Ki to 1Gi. */
export const sizeText = () =>
  text({
    max: 12,
    pattern: /^([1-9][0-9]{3,8}|[1-9][0-9]{0,5}Ki|[1-9][0-9]{0,2}Mi|1Gi)$/,
    says: 'write an integer of bytes, or one with Ki, Mi or Gi, between 1Ki and 1Gi: 8Mi',
  });

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The name of another object in the same namespace. */
export const objectName = () =>
  text({
    max: 253,
    pattern: subdomain,
    says: 'write the name of an object: lower case letters, digits, - and .',
  });

export function isObjectName(name: string): boolean {
  return name.length <= 253 && subdomain.test(name);
}

/** The name of a column as in the system. */
export const columnName = () => text({ max: 128 });

export const columnNames = () => z.array(columnName()).min(1).max(32);

export const hostName = () =>
  text({
    max: 253,
    pattern: /^[^\s/]+$|^\/\S*$/,
    says: 'write a host name, an address, or the folder of a socket',
  });

export const port = (standard: number) => z.int().min(1).max(65_535).default(standard);

/** A key of a Secret in the same namespace. Never a value: credentials are given only by reference. */
export function secretReference() {
  return z.strictObject({
    name: objectName().describe('Name of the Secret, in the same namespace.'),
    key: text({
      max: 253,
      pattern: /^[-._a-zA-Z0-9]+$/,
      says: 'write a key of a Secret: letters, digits, -, _ and .',
    }).describe('Key in the Secret whose value is used.'),
  });
}

export function tlsObject() {
  return z
    .strictObject({
      mode: z
        .enum(['Disable', 'Prefer', 'Require', 'VerifyCA', 'VerifyFull'])
        .default('Prefer')
        .describe(
          'Disable: no TLS; Prefer: TLS if the server supports it, which does not protect against an attacker who can change traffic; Require: always TLS, with any certificate unless caSecretRef is set, which protects against eavesdropping; VerifyCA: with a certificate of the authority; VerifyFull: with a certificate of the authority for this host, which also protects against impersonation of the server.',
        ),
      caSecretRef: secretReference()
        .optional()
        .describe('Certificates of the trusted authorities, in PEM; by default those of the machine.'),
      certSecretRef: secretReference().optional().describe('Client certificate in PEM; needs keySecretRef.'),
      keySecretRef: secretReference().optional().describe('Key of the client certificate in PEM.'),
    })
    .prefault({});
}

/** Labels that an agent must have. */
export function labels() {
  return z.record(text({ max: 317 }), z.string().max(63)).meta({ maxProperties: 16 });
}
