import { X509Certificate } from 'node:crypto';
import { type Authorities, advanceAuthorities, bundleOf } from './authorities.ts';
import { makeAuthority, signCertificate } from './authority.ts';
import { type CertificateRequest, type KeyPair, reasonToReplace } from './certificate.ts';
import type { CertificateStore, Files } from './store.ts';

export interface IssueOptions {
  /** Names and addresses by which clients reach etcd, besides those of this machine. */
  readonly hosts: readonly string[];
  /** Replace every certificate, regardless of its remaining lifetime. */
  readonly isRenewing: boolean;
  /** Advance the authorities by one step. */
  readonly isRotatingAuthority: boolean;
  readonly now: number;
}

export interface Issued {
  readonly name: string;
  readonly location: string;
  /** The etcd user or the hosts. */
  readonly subject: string;
  readonly expires: string;
  /** What was done, and why; `kept` if nothing was. */
  readonly action: string;
}

/** By the name under which each is stored. The users are those that `idra etcd roles` creates. */
const users = {
  root: 'root',
  operator: 'idra-operator',
  agent: 'idra-agent',
  api: 'idra-api',
} as const;

const ownHosts = ['localhost', '127.0.0.1'];

/**
 * Creates what is missing, replaces what is due, keeps the rest. The authority is stored first: nothing is signed by one that was not
 * stored.
 */
export async function issueCertificates(store: CertificateStore, options: IssueOptions): Promise<Issued[]> {
  const { authorities, row } = await issueAuthority(store, options);
  const requests: Record<string, CertificateRequest> = {
    server: { hosts: [...new Set([...options.hosts, ...ownHosts])] },
    ...Object.fromEntries(Object.entries(users).map(([name, user]) => [name, { user }])),
  };
  const rows: Issued[] = [row];
  for (const [name, request] of Object.entries(requests))
    rows.push(await issueOne(store, name, request, authorities, options));
  return rows;
}

async function issueAuthority(store: CertificateStore, options: IssueOptions) {
  const stored = authoritiesOf(await store.read('ca'));
  const { authorities, action } = await advanceAuthorities(
    stored,
    () => makeAuthority(options.now),
    options.now,
    options.isRotatingAuthority,
  );
  if (action !== '') await store.write('ca', filesOf(authorities));
  const row = rowOf(store, 'ca', 'signs the other certificates', authorities.signing, action || 'kept');
  return { authorities, row };
}

async function issueOne(
  store: CertificateStore,
  name: string,
  request: CertificateRequest,
  authorities: Authorities,
  options: IssueOptions,
): Promise<Issued> {
  const files = await store.read(name);
  const stored = { certificate: files?.['tls.crt'] ?? '', key: files?.['tls.key'] ?? '' };
  const { certificate } = authorities.signing;
  const reason = options.isRenewing
    ? 'requested'
    : reasonToReplace(stored, request, certificate, options.now);
  const pair =
    reason === undefined ? stored : await signCertificate(authorities.signing, request, options.now);
  const bundle = bundleOf(authorities);
  const isTrustChanged = files?.['ca.crt'] !== bundle;
  if (reason !== undefined || isTrustChanged)
    await store.write(name, { 'ca.crt': bundle, 'tls.crt': pair.certificate, 'tls.key': pair.key });
  const action =
    reason === undefined ? (isTrustChanged ? 'trusts other authorities' : 'kept') : `created: ${reason}`;
  return rowOf(store, name, 'user' in request ? request.user : request.hosts.join(' '), pair, action);
}

function rowOf(
  store: CertificateStore,
  name: string,
  subject: string,
  pair: KeyPair,
  action: string,
): Issued {
  const expires = new X509Certificate(pair.certificate).validToDate.toISOString();
  return { name, location: store.location(name), subject, expires, action };
}

function authoritiesOf(files: Files | undefined): Authorities | undefined {
  const signing = pairOf(files, 'tls');
  if (!signing) return undefined;
  const next = pairOf(files, 'next');
  const previous = files?.['previous.crt'];
  return { signing, ...(next && { next }), ...(previous !== undefined && { previous }) };
}

function pairOf(files: Files | undefined, name: string): KeyPair | undefined {
  const [certificate, key] = [files?.[`${name}.crt`], files?.[`${name}.key`]];
  return certificate && key ? { certificate, key } : undefined;
}

function filesOf({ signing, next, previous }: Authorities): Files {
  return {
    'tls.crt': signing.certificate,
    'tls.key': signing.key,
    ...(next && { 'next.crt': next.certificate, 'next.key': next.key }),
    ...(previous !== undefined && { 'previous.crt': previous }),
  };
}
