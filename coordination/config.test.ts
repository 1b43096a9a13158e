import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEtcdConfig } from './config.ts';

test('a password for etcd needs https or an explicit setting', () => {
  const variables = { IDRA_ETCD_USER: 'idra', IDRA_ETCD_PASSWORD_FILE: '/secret' };
  const read = (endpoints: string, more = {}) =>
    readEtcdConfig({ ...variables, IDRA_ETCD_ENDPOINTS: endpoints, ...more });
  assert.throws(() => read('127.0.0.1:2379'), { code: 'EtcdNotConfigured', path: 'IDRA_ETCD_PASSWORD_FILE' });
  assert.throws(() => read('http://one:2379', { IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD: 'false' }), {
    message: /would be sent to etcd without TLS.*IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD/,
  });
  assert.equal(read('https://one:2379').user, 'idra');
  assert.equal(read('http://one:2379', { IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD: 'true' }).user, 'idra');
  assert.throws(() => read('https://one:2379', { IDRA_ETCD_PASSWORD_FILE: '' }), {
    message: /IDRA_ETCD_USER and IDRA_ETCD_PASSWORD_FILE go together/,
  });
  assert.deepEqual(readEtcdConfig({ IDRA_ETCD_ENDPOINTS: 'one:2379' }).endpoints, ['http://one:2379']);
});
