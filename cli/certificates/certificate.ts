import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** Both as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A client is identified by the etcd user in its common name, a server by the hosts that clients connect to. */
export type CertificateRequest = { readonly user: string } | { readonly hosts: readonly string[] };

export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/** Renewed when a third of the lifetime is left: time enough to notice several failed runs of a daily job. */
const renewalShare = 1 / 3;

/** The remaining share of a certificate's lifetime, from 1 to 0 and below. */
export function lifeLeft(pem: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return (validToDate.getTime() - now) / (validToDate.getTime() - validFromDate.getTime());
}

export function isDue(pem: string, now: number): boolean {
  return lifeLeft(pem, now) < renewalShare;
}

/** Why this certificate must be replaced; undefined: it need not be. */
export function reasonToReplace(
  pair: Partial<KeyPair> | undefined,
  request: CertificateRequest,
  authorityPem: string,
  now: number,
): string | undefined {
  if (!pair?.certificate || !pair.key) return 'it did not exist';
  try {
    const certificate = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(authorityPem);
    if (!certificate.checkPrivateKey(createPrivateKey(pair.key)))
      return 'the key does not match the certificate';
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
      return 'another authority signed it';
    if (!isFor(certificate, request)) return 'it was for other names';
    return isDue(pair.certificate, now) ? 'less than a third of its lifetime was left' : undefined;
  } catch {
    // The text of the error may quote the file, which contains a key.
    return 'it could not be read';
  }
}

function isFor(certificate: X509Certificate, request: CertificateRequest): boolean {
  if ('user' in request) return certificate.subject === `CN=${request.user}`;
  const wanted = request.hosts.map((host) => (isAddress(host) ? `IP Address:${host}` : `DNS:${host}`));
  return (certificate.subjectAltName ?? '') === wanted.join(', ');
}
