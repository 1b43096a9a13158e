import type { webcrypto } from 'node:crypto';
// The library's container requires that this polyfill is loaded first.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificateRequest, KeyPair } from './certificate.ts';
import { isAddress } from './certificate.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
export const authorityLifeMs = 3_650 * dayMs;
export const certificateLifeMs = 90 * dayMs;
/** Clocks of other machines may be behind. */
const backdateMs = 5 * 60_000;

/** A self-signed authority. Each has a subject of its own, so that two of them in one file can be distinguished. */
export async function makeAuthority(now: number): Promise<KeyPair> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['idra'] }, { CN: [`idra etcd ${new Date(now).toISOString()}`] }],
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(now + authorityLifeMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return await toPem(certificate, keys.privateKey);
}

/** A new key and its certificate: for an etcd client by its user's name, or for the server by its hosts. */
export async function signCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  now: number,
): Promise<KeyPair> {
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ['sign'],
  );
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    // etcd uses the common name as the user. The server's certificate has none.
    subject: 'user' in request ? [{ CN: [request.user] }] : '',
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(Math.min(now + certificateLifeMs, issuer.notAfter.getTime())),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...usage(request),
    ],
  });
  return await toPem(certificate, keys.privateKey);
}

function usage(request: CertificateRequest): Extension[] {
  if ('user' in request) return [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])];
  const names = request.hosts.map((value) => ({
    type: isAddress(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  return [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    // Critical, because the subject is empty.
    new SubjectAlternativeNameExtension(names, true),
  ];
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

async function toPem(certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<KeyPair> {
  const bytes = await crypto.subtle.exportKey('pkcs8', key);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${PemConverter.encode(bytes, 'PRIVATE KEY')}\n`,
  };
}
