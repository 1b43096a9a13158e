import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IOptions } from 'etcd3';
import { permanent } from '../../core/errors.ts';
import type { EtcdConfig } from '../config.ts';

/** The contents of the configured files at one moment. */
export interface EtcdCredentials {
  readonly options: Pick<IOptions, 'credentials' | 'auth'>;
  /** The identity of this process in etcd: its user, or the common name of its certificate. */
  readonly user: string | undefined;
  readonly files: readonly Buffer[];
}

/** Throws EtcdNotConfigured (permanent) if a file cannot be read, or certificate and key do not match. */
export function readCredentials(config: EtcdConfig): EtcdCredentials {
  const ca = readGiven(config.caFile, 'IDRA_ETCD_CA');
  const cert = readGiven(config.certFile, 'IDRA_ETCD_CERT');
  const key = readGiven(config.keyFile, 'IDRA_ETCD_KEY');
  const password = readGiven(config.passwordFile, 'IDRA_ETCD_PASSWORD_FILE');
  return {
    options: {
      ...(ca && {
        credentials: {
          rootCertificate: ca,
          ...(cert && { certChain: cert }),
          ...(key && { privateKey: key }),
        },
      }),
      ...(config.user !== undefined && {
        auth: { username: config.user, password: password?.toString().trimEnd() ?? '' },
      }),
    },
    user: config.user ?? (cert && key ? commonName(cert, key) : undefined),
    files: [ca, cert, key, password].filter((file) => file !== undefined),
  };
}

export function isSameCredentials(one: EtcdCredentials, other: EtcdCredentials): boolean {
  return (
    one.files.length === other.files.length &&
    one.files.every((file, index) => other.files[index]?.equals(file))
  );
}

/** While files are being replaced, one may be new and the other old: such a pair is never used. */
function commonName(cert: Buffer, key: Buffer): string | undefined {
  let parsed: X509Certificate;
  let isPair: boolean;
  try {
    parsed = new X509Certificate(cert);
    isPair = parsed.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw permanent('EtcdNotConfigured', 'the certificate for etcd or its key is not valid PEM', {
      path: 'IDRA_ETCD_CERT',
      fix: 'set IDRA_ETCD_CERT and IDRA_ETCD_KEY to PEM files',
      cause: error,
    });
  }
  if (!isPair) {
    throw permanent('EtcdNotConfigured', 'the key for etcd does not match the certificate', {
      path: 'IDRA_ETCD_KEY',
      fix: 'set IDRA_ETCD_CERT and IDRA_ETCD_KEY to files of one pair',
    });
  }
  return /^CN=(.*)$/m.exec(parsed.subject)?.[1];
}

function readGiven(path: string | undefined, variable: string): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw permanent('EtcdNotConfigured', `the file ${path} cannot be read`, {
      path: variable,
      fix: `set ${variable} to a file that can be read`,
      cause: error,
    });
  }
}
