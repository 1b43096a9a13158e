import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transient } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { readConfig, withFieldInUse } from './config.ts';

const access = (config: Readonly<Record<string, unknown>>, uri?: string) => ({
  dataSource: 'team-a/shop',
  config,
  secret: (path: string) => (path === 'uri' && uri !== undefined ? new Secret(uri) : undefined),
});
const uriSecretRef = { name: 'shop', key: 'uri' };

test('hosts get their port, and the message names them', () => {
  const { hosts, where } = readConfig(access({ hosts: ['a', 'b:1', '::1', '[::2]:3'], database: 'shop' }));
  assert.deepEqual(hosts, ['a:27017', 'b:1', '[::1]:27017', '[::2]:3']);
  assert.equal(where, 'team-a/shop (MongoDB a:27017,b:1,[::1]:27017,[::2]:3/shop)');
});

test('a connection string decides about TLS unless the DataSource does', () => {
  const modeOf = (uri: string, tls?: object) =>
    readConfig(access({ uriSecretRef, database: 'shop', ...(tls && { tls }) }, uri)).tlsMode;
  assert.equal(modeOf('mongodb://a/'), 'Prefer');
  assert.equal(modeOf('mongodb://a/?tls=true'), 'VerifyFull');
  assert.equal(modeOf('mongodb+srv://a.b.c/'), 'VerifyFull');
  assert.equal(modeOf('mongodb://a/?ssl=false'), 'Disable');
  assert.equal(modeOf('mongodb://a/?tls=true', { mode: 'Require' }), 'Require');
});

test('the user of a connection string is defined in its database unless authSource says otherwise', () => {
  const of = (uri: string) => readConfig(access({ uriSecretRef }, uri));
  assert.deepEqual(
    [of('mongodb://u:p@a/shop').authSource, of('mongodb://u:p@a/shop').database],
    ['shop', 'shop'],
  );
  assert.equal(of('mongodb://u:p@a/shop?authSource=admin').authSource, 'admin');
});

test('what is missing or given twice is named by its field', () => {
  const fails = (config: object, path: string, uri?: string) =>
    assert.throws(() => readConfig(access(config as never, uri)), { code: 'ParameterInvalid', path });
  fails({ database: 'shop' }, 'spec.mongodb.hosts');
  fails({ hosts: ['a'] }, 'spec.mongodb.database');
  fails({ uriSecretRef, user: 'u' }, 'spec.mongodb.user', 'mongodb://a/shop');
  fails({ uriSecretRef }, 'spec.mongodb.uriSecretRef', 'mongodb://a/shop?authMechanism=GSSAPI');
});

test('an error of a field that stands in the connection string names the string', () => {
  const error = transient('HostUnreachable', 'no answer', { path: 'spec.mongodb.hosts' });
  const pathOf = (isUri: boolean) => withFieldInUse({ isUri }, error).path;
  assert.deepEqual([pathOf(true), pathOf(false)], ['spec.mongodb.uriSecretRef', 'spec.mongodb.hosts']);
  const other = transient('TlsNotOffered', 'no TLS', { path: 'spec.mongodb.tls.mode' });
  assert.equal(withFieldInUse({ isUri: true }, other), other);
});
