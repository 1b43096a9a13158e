import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { addressKind, checkedLookup, type Resolve, requireAllowedHost } from './allowed-address.ts';

const rule = { allowsPrivate: false, where: 'team-a/api' };
const open = { ...rule, allowsPrivate: true };

test('addresses of hosts that anybody reaches are public', () => {
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
  ])
    assert.equal(addressKind(address), 'public', address);
});

test('addresses of this machine and its networks are private, in every form', () => {
  const loopback = [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
  ];
  const translated = ['64:ff9b::10.0.0.1', '64:ff9b::a00:1', '2002:c0a8:101::1', '::ffff:0:10.0.0.1'];
  const networks = ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', '169.254.1.1'];
  for (const address of [...loopback, ...translated, ...networks, 'fd12::1', 'fe80::1', 'fe80::1%eth0'])
    assert.equal(addressKind(address), 'private', address);
});

test('metadata services and addresses of no single host are never requested', () => {
  const metadata = [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    'fd00:ec2::254',
  ];
  const none = [
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'ff02::1',
    '64:ff9b:1::1',
    '2001::1',
    'not an address',
  ];
  for (const address of [...metadata, ...none, '100.100.100.200', '168.63.129.16', '169.254.170.2'])
    assert.equal(addressKind(address), 'never', address);
});

test('a host that is an address is checked, also as a URL writes it', () => {
  for (const url of [
    'http://127.0.0.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://0177.0.0.1',
    'http://[::1]',
    'http://127.1',
  ])
    assert.throws(() => requireAllowedHost(new URL(url).hostname, rule), { code: 'AddressRefused' }, url);
  requireAllowedHost('127.0.0.1', open);
  requireAllowedHost('api.example.com', rule);
  assert.throws(() => requireAllowedHost('169.254.169.254', open), {
    code: 'AddressRefused',
    disposition: 'permanent',
    path: 'spec.http.url',
  });
});

const resolvesTo =
  (...addresses: readonly string[]): Resolve =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

test('a name is connected only to those of its addresses that are allowed', async () => {
  const found = await new Promise<unknown>((resolve) =>
    checkedLookup(rule, resolvesTo('10.0.0.1', '8.8.8.8'))('a', { all: true }, (_error, addresses) =>
      resolve(addresses),
    ),
  );
  assert.deepEqual(found, [{ address: '8.8.8.8', family: 4 }]);
  const one = await new Promise<unknown>((resolve) =>
    checkedLookup(open, resolvesTo('10.0.0.1', '8.8.8.8'))('a', {}, (_error, address) => resolve(address)),
  );
  assert.equal(one, '10.0.0.1');
});

test('a name with none that is allowed is refused, and so is an error of the resolver', async () => {
  const errorOf = (resolve: Resolve, by = rule) =>
    new Promise<void>((resolved, reject) =>
      checkedLookup(by, resolve)('a', { all: true }, (error) => (error ? reject(error) : resolved())),
    );
  const refused = { code: 'AddressRefused', path: 'spec.http.allowPrivateAddresses' };
  await assert.rejects(errorOf(resolvesTo('10.0.0.1', '::1')), refused);
  await assert.rejects(errorOf(resolvesTo('169.254.169.254'), open), { code: 'AddressRefused' });
  const failing: Resolve = (_host, _options, callback) =>
    callback(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), []);
  await assert.rejects(errorOf(failing), { code: 'ENOTFOUND' });
});
