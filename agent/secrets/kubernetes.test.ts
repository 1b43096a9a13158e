import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { ownSecretType } from '../../process/kubernetes-access.ts';
import { secretsOfKubernetes } from './kubernetes.ts';
import type { ReadSecret } from './remembering.ts';

test('a Secret response that is not JSON is reported without any of its text', async () => {
  await withAnswer('{"data":{"password":"c2VjcmV0"', async (read) => {
    await assert.rejects(read('default', 'shop'), (thrown: Error & { code?: string }) => {
      assert.equal(thrown.code, 'SecretUnavailable');
      assert.doesNotMatch(`${thrown.message} ${String(thrown.cause)}`, /password|c2Vj/);
      return true;
    });
  });
});

test("a certificate of Idra's own etcd is not used as the Secret of a database", async () => {
  const answer = JSON.stringify({ type: ownSecretType, data: { 'tls.key': 'a2V5' } });
  await withAnswer(answer, async (read) => {
    await assert.rejects(read('idra', 'idra-etcd-root'), { code: 'SecretForbidden' });
  });
});

/** An API server that gives this answer to every request. */
async function withAnswer(answer: string, body: (read: ReadSecret) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end(answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const access = {
    server: new URL(`http://127.0.0.1:${port}`),
    namespace: 'default',
    credentials: async () => ({ headers: {}, tls: {} }),
  };
  try {
    await body(secretsOfKubernetes(access, { watchNamespaces: [] }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
