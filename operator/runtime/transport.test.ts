import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import type { ClusterAccess } from '../../process/kubernetes-access.ts';
import { KubernetesClient } from './client.ts';
import { configMaps } from './test-cluster.ts';

/** An error page of a proxy that contains a secret. */
const page = '<html>secret-token</html>';
let answer = page;
const server = createServer((_, response) => response.end(`${answer}\n`));
let access: ClusterAccess;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  access = {
    server: new URL(`http://127.0.0.1:${port}`),
    namespace: 'default',
    credentials: async () => ({ headers: {}, tls: {} }),
  };
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test('an answer that is not JSON is an error of the API server, and none of its text is shown', async () => {
  const client = new KubernetesClient(access, { fieldManager: 'test' });
  const isTold = (thrown: unknown) => {
    const { code, disposition, message, cause } = thrown as Error & { code: string; disposition: string };
    assert.deepEqual([code, disposition], ['KubernetesAnswerInvalid', 'transient']);
    assert.doesNotMatch(`${message} ${String(cause)}`, /secret-token/);
    return true;
  };
  await assert.rejects(client.list(configMaps), isTold);
  for (answer of ['{}', '{"metadata":{"resourceVersion":"7"}}', '{"items":[],"metadata":{}}', 'null'])
    await assert.rejects(client.list(configMaps), isTold);
  const watch = client.watch(configMaps, {
    resourceVersion: '1',
    serverTimeoutMs: 5_000,
    inactivityMs: 5_000,
  });
  await assert.rejects(watch[Symbol.asyncIterator]().next(), isTold);
  client.close();
});
