import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogin } from './config.ts';
import { accessOf } from './test-harness.ts';

const at = { host: 'db', port: 1433, database: 'shop', user: 'idra', password: '' };

test('a client certificate is refused: the login would not use it', () => {
  const reference = { name: 'tls', key: 'crt' };
  const tls = { mode: 'VerifyFull', certSecretRef: reference, keySecretRef: reference };
  assert.throws(() => readLogin(accessOf(at, { tls })), {
    code: 'ManifestInvalid',
    path: 'spec.sqlserver.tls.certSecretRef',
  });
  assert.equal(readLogin(accessOf(at, { tls: { mode: 'VerifyFull' } })).tls.isNameVerified, true);
});

test('parameters are those of Idra, and a named instance is another server than its host', () => {
  const parameters = { lock_timeout: '5', application_intent: 'ReadOnly' };
  const login = readLogin(accessOf(at, { parameters }));
  assert.deepEqual([login.lockTimeoutMs, login.isReadIntent], [5_000, true]);
  for (const wrong of [{ encrypt: 'false' }, { lock_timeout: '-1' }])
    assert.throws(() => readLogin(accessOf(at, { parameters: wrong })), {
      code: /^Parameter(Unknown|Invalid)$/,
    });
  const named = readLogin(accessOf(at, { instance: 'SALES' }));
  assert.notEqual(named.server, login.server);
});
