import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runOrFail } from './processes.ts';

/** Paths of PEM files. */
export interface Certificates {
  readonly caFile: string;
  /** A server certificate for localhost and 127.0.0.1. */
  readonly certFile: string;
  readonly keyFile: string;
  /** A client certificate, signed by the same CA; its common name is `client`. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Another CA, which has signed none of these. */
  readonly otherCaFile: string;
}

/** Creates a CA and the certificates signed by it, in `folder`; keys are readable only by `owner`. */
export async function makeCertificates(
  folder: string,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<Certificates> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await makeAuthority(folder, 'ca');
  await makeAuthority(folder, 'other-ca');
  await sign(folder, 'server', 'localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  await sign(folder, 'client', 'client', 'extendedKeyUsage=clientAuth');
  if (owner) await chown(join(folder, 'server.key'), owner.uid, owner.gid);
  return {
    caFile: join(folder, 'ca.crt'),
    certFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
    clientCertFile: join(folder, 'client.crt'),
    clientKeyFile: join(folder, 'client.key'),
    otherCaFile: join(folder, 'other-ca.crt'),
  };
}

/** Another client certificate from the CA of makeCertificates; replaces one with the same name. */
export async function signClient(
  { caFile }: Pick<Certificates, 'caFile'>,
  commonName: string,
): Promise<{ readonly certFile: string; readonly keyFile: string }> {
  const folder = dirname(caFile);
  await sign(folder, commonName, commonName, 'extendedKeyUsage=clientAuth');
  return { certFile: join(folder, `${commonName}.crt`), keyFile: join(folder, `${commonName}.key`) };
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function makeAuthority(cwd: string, name: string): Promise<void> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  await runOrFail(
    'openssl',
    ['req', '-x509', ...newKey, '-days', '7', '-subj', `/CN=idra-test-${name}`, ...files],
    { cwd },
  );
}

async function sign(cwd: string, name: string, commonName: string, extension: string): Promise<void> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
  await runOrFail('openssl', ['req', ...newKey, '-subj', `/CN=${commonName}`, ...files], { cwd });
  await writeFile(join(cwd, `${name}.ext`), `${extension}\nbasicConstraints=CA:FALSE\n`);
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '7'];
  await runOrFail(
    'openssl',
    ['x509', '-req', '-in', `${name}.csr`, ...authority, '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    { cwd },
  );
  await chmod(join(cwd, `${name}.key`), 0o600);
}
