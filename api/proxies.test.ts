import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentReader } from '../process/environment.ts';
import type { AuditEntry } from './audit/contract.ts';
import { readApiConfig } from './config.ts';
import { singleInstallation, TestApi } from './test-api.ts';

test('addresses and networks of proxies are read, and nothing else', () => {
  const read = (text: string) =>
    readApiConfig(new EnvironmentReader({ IDRA_API_TRUSTED_PROXIES: text })).trustedProxies;
  assert.deepEqual(read('10.1.2.3, 192.168.0.0/16,fd00::/8'), ['10.1.2.3', '192.168.0.0/16', 'fd00::/8']);
  for (const text of ['proxy', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/8/8', 'fd00::/129', '10.0.0/8', '*'])
    assert.throws(() => read(text), { code: 'EnvironmentInvalid' }, text);
});

test('the address of a client is what a trusted proxy says, and what nobody else says', async () => {
  const proxies = [
    { trustedProxies: [], seen: '127.0.0.1' },
    { trustedProxies: ['10.9.9.9'], seen: '127.0.0.1' },
    { trustedProxies: ['127.0.0.1'], seen: '10.9.9.9' },
    { trustedProxies: ['127.0.0.1', '10.9.0.0/16'], seen: '203.0.113.5' },
  ];
  for (const { trustedProxies, seen } of proxies) {
    const { installation, close } = await singleInstallation();
    const api = await TestApi.start(installation, { close, trustedProxies });
    try {
      await api.client().refused(401, 'LoginFailed', '/session', {
        method: 'POST',
        body: { user: 'x', password: 'wrong' },
        headers: { 'x-forwarded-for': '203.0.113.5, 10.9.9.9', 'x-forwarded-host': 'evil.example' },
      });
      const { items } = await api.api.services.audit.page(undefined, 1, () => true);
      assert.equal((items[0] as AuditEntry).by.ip, seen, trustedProxies.join());
    } finally {
      await api.stop();
    }
  }
});
