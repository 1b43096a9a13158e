import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { permanent } from '../../../core/errors.ts';

/**
 * `public`: reachable by anybody. `private`: of this machine, its network or its cluster. `never`: cloud metadata services, which give
 * out credentials, and addresses that belong to no single host.
 */
export type AddressKind = 'public' | 'private' | 'never';

type Range = readonly [prefix: string, bits: number];

const neverRanges: readonly Range[] = [
  ['0.0.0.0', 8],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['169.254.169.0', 24],
  ['169.254.170.0', 24],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['::', 128],
  ['100::', 64],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  ['ff00::', 8],
];

const privateRanges: readonly Range[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
];

/** Prefixes whose remaining bits, or some of them, are an IPv4 address: mapped, compatible, NAT64 and 6to4. */
const embedding: readonly (readonly [...Range, at: number])[] = [
  ['::ffff:0:0', 96, 12],
  ['::ffff:0:0:0', 96, 12],
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
  ['::', 96, 12],
];

/** Everything else in IPv6 is reserved, or means what a local translator makes of it. */
const globalUnicast: Range = ['2000::', 3];
const protocolAssignments: Range = ['2001::', 23];

/** The kind of an address in text form, as DNS and sockets give it; a zone (`%eth0`) is ignored. */
export function addressKind(address: string): AddressKind {
  const bytes = bytesOf(address);
  return bytes === undefined ? 'never' : kindOf(bytes);
}

function kindOf(bytes: readonly number[]): AddressKind {
  if (neverRanges.some((range) => isIn(bytes, range))) return 'never';
  if (privateRanges.some((range) => isIn(bytes, range))) return 'private';
  if (bytes.length === 4) return 'public';
  for (const [prefix, bits, at] of embedding)
    if (isIn(bytes, [prefix, bits])) return kindOf(bytes.slice(at, at + 4));
  return isIn(bytes, globalUnicast) && !isIn(bytes, protocolAssignments) ? 'public' : 'never';
}

function isIn(bytes: readonly number[], [prefix, bits]: Range): boolean {
  const start = bytesOf(prefix);
  if (start?.length !== bytes.length) return false;
  return bytes.every((byte, index) => {
    const mask = 0xff & (0xff00 >> Math.max(0, Math.min(8, bits - 8 * index)));
    return (byte & mask) === ((start[index] ?? 0) & mask);
  });
}

/** 4 or 16 bytes; undefined: not an address. */
function bytesOf(text: string): readonly number[] | undefined {
  const [address = ''] = text.split('%');
  switch (isIP(address)) {
    case 4:
      return address.split('.').map(Number);
    case 6:
      return bytesOfIPv6(address);
    default:
      return undefined;
  }
}

function bytesOfIPv6(address: string): readonly number[] {
  const words = (part: string): number[] =>
    part
      .split(':')
      .filter(Boolean)
      .flatMap((word) => {
        if (!word.includes('.')) return [Number.parseInt(word, 16)];
        const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number);
        return [a * 256 + b, c * 256 + d];
      });
  const [before = '', after] = address.split('::');
  const [head, tail] = [words(before), words(after ?? '')];
  const zeros = Array.from({ length: after === undefined ? 0 : 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail].flatMap((word) => [word >> 8, word & 0xff]);
}

export interface AddressRule {
  readonly allowsPrivate: boolean;
  /** The DataSource, for messages. */
  readonly where: string;
}

function allows({ allowsPrivate }: AddressRule, address: string): boolean {
  const kind = addressKind(address);
  return kind === 'public' || (kind === 'private' && allowsPrivate);
}

/** Throws AddressRefused if the host is an address that requests may not reach. A name is checked when it is resolved. */
export function requireAllowedHost(host: string, rule: AddressRule): void {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address.split('%')[0] ?? '') !== 0 && !allows(rule, address)) throw refusal(host, [address], rule);
}

export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Resolves names for the sockets themselves: the address that is checked is the one that is connected to, so a name that resolves
 * differently a moment later gains nothing.
 */
export function checkedLookup(rule: AddressRule, resolve: Resolve = systemLookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, '', 0);
        return;
      }
      const allowed = found.filter(({ address }) => allows(rule, address));
      const [first] = allowed;
      if (!first) {
        callback(
          refusal(
            host,
            found.map(({ address }) => address),
            rule,
          ),
          '',
          0,
        );
        return;
      }
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(host: string, addresses: readonly string[], { where, allowsPrivate }: AddressRule): Error {
  const isPrivate = !allowsPrivate && addresses.some((address) => addressKind(address) === 'private');
  const what = isPrivate ? 'a private, loopback or link-local address' : 'an address that is never requested';
  return permanent('AddressRefused', `${where}: ${host} is ${what}`, {
    path: isPrivate ? 'spec.http.allowPrivateAddresses' : 'spec.http.url',
    fix: isPrivate
      ? 'set allowPrivateAddresses to true if the API is in your own network'
      : 'set url to the address of the API: those of cloud metadata services, multicast and documentation are always refused',
  });
}
