import { z } from 'zod';
import { permanent } from '../core/errors.ts';

export interface EtcdConfig {
  /** `http://HOST:PORT` or https; one per member. */
  readonly endpoints: readonly string[];
  /** Begins and ends with a slash. */
  readonly prefix: string;
  /** Paths of PEM files. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

const text = z.string().trim().min(1);

const variables = z
  .object({
    IDRA_ETCD_ENDPOINTS: text
      .transform((list) => list.split(',').map((each) => each.trim()))
      .pipe(
        z.array(
          z
            .string()
            .regex(/^(https?:\/\/)?[^\s/]+$/, 'is not HOST:PORT[,HOST:PORT...] with or without https://'),
        ),
      )
      .transform((list) => list.map((each) => (each.includes('://') ? each : `http://${each}`)))
      .refine(
        (list) => new Set(list.map((each) => each.split(':')[0])).size === 1,
        'mixes http:// and https://',
      ),
    IDRA_ETCD_PREFIX: text
      .regex(/^[\x21-\x7e]+$/, 'may contain only printable ASCII')
      .transform((prefix) => `/${prefix}/`.replace(/\/+/g, '/'))
      .default('/idra/'),
    IDRA_ETCD_CA: text.optional(),
    IDRA_ETCD_CERT: text.optional(),
    IDRA_ETCD_KEY: text.optional(),
    IDRA_ETCD_USER: text.optional(),
    IDRA_ETCD_PASSWORD_FILE: text.optional(),
    IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD: z.enum(['true', 'false'], 'must be true or false').optional(),
  })
  .refine((given) => (given.IDRA_ETCD_CERT === undefined) === (given.IDRA_ETCD_KEY === undefined), {
    path: ['IDRA_ETCD_CERT'],
    message: 'and IDRA_ETCD_KEY go together',
  })
  .refine((given) => given.IDRA_ETCD_CERT === undefined || given.IDRA_ETCD_CA !== undefined, {
    path: ['IDRA_ETCD_CA'],
    message: 'is required with a certificate',
  })
  .refine((given) => (given.IDRA_ETCD_USER === undefined) === (given.IDRA_ETCD_PASSWORD_FILE === undefined), {
    path: ['IDRA_ETCD_USER'],
    message: 'and IDRA_ETCD_PASSWORD_FILE go together',
  })
  .refine(
    (given) =>
      given.IDRA_ETCD_PASSWORD_FILE === undefined ||
      given.IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD === 'true' ||
      given.IDRA_ETCD_ENDPOINTS.every((each) => each.startsWith('https://')),
    {
      path: ['IDRA_ETCD_PASSWORD_FILE'],
      message:
        'would be sent to etcd without TLS; write https:// in IDRA_ETCD_ENDPOINTS, or set IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD to true',
    },
  );

/** From the environment. Throws EtcdNotConfigured (permanent), which names the variable. An empty variable counts as not set. */
export function readEtcdConfig(env: Readonly<Record<string, string | undefined>>): EtcdConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  if (given.IDRA_ETCD_ENDPOINTS === undefined) {
    throw notConfigured(
      'IDRA_ETCD_ENDPOINTS',
      'is not set',
      'set it to HOST:PORT of each member of etcd, with commas between',
    );
  }
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notConfigured(String(issue?.path[0]), issue?.message ?? 'is not valid', 'correct the variable');
  }
  const { data } = parsed;
  return {
    endpoints: data.IDRA_ETCD_ENDPOINTS,
    prefix: data.IDRA_ETCD_PREFIX,
    ...(data.IDRA_ETCD_CA !== undefined && { caFile: data.IDRA_ETCD_CA }),
    ...(data.IDRA_ETCD_CERT !== undefined && { certFile: data.IDRA_ETCD_CERT }),
    ...(data.IDRA_ETCD_KEY !== undefined && { keyFile: data.IDRA_ETCD_KEY }),
    ...(data.IDRA_ETCD_USER !== undefined && { user: data.IDRA_ETCD_USER }),
    ...(data.IDRA_ETCD_PASSWORD_FILE !== undefined && { passwordFile: data.IDRA_ETCD_PASSWORD_FILE }),
  };
}

function notConfigured(variable: string, message: string, fix: string): Error {
  return permanent('EtcdNotConfigured', `${variable} ${message}`, { path: variable, fix });
}
