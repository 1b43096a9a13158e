import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { secretsOfKubernetes } from './kubernetes.ts';

test('an answer about a Secret that is no JSON is told without a word of it', async () => {
  const server = createServer((_, response) => response.end('{"data":{"password":"c2VjcmV0"'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const read = secretsOfKubernetes(
    {
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: 'default',
      credentials: async () => ({ headers: {}, tls: {} }),
    },
    { watchNamespaces: [] },
  );
  try {
    await assert.rejects(read('default', 'shop'), (thrown: Error & { code?: string }) => {
      assert.equal(thrown.code, 'SecretUnavailable');
      assert.doesNotMatch(`${thrown.message} ${String(thrown.cause)}`, /password|c2Vj/);
      return true;
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
