import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Etcd3 } from 'etcd3';
import { etcd } from '../servers.ts';
import { until } from '../wait.ts';

describe('etcd', () => {
  test('three members continue when one is killed, which comes back with its data', async () => {
    const server = await etcd({ members: 3 });
    const client = new Etcd3({ hosts: [...server.endpoints] });
    try {
      const [first] = server.members;
      assert.ok(first);
      await client.put('a').value('1');
      await first.process.kill('SIGKILL');
      await until(() => client.put('a').value('2'), { what: 'a write without the first member' });
      await first.process.restart();
      const alone = new Etcd3({ hosts: first.endpoint });
      assert.equal(await until(() => alone.get('a').string(), { what: 'a read from the first member' }), '2');
      alone.close();
    } finally {
      client.close();
      await server.stop();
    }
    assert.ok(server.members.every((member) => !existsSync(member.process.folder)));
  });

  test('a paused member answers again when it continues', async () => {
    const server = await etcd({ flags: ['--max-request-bytes=3000000'] });
    const [only] = server.members;
    assert.ok(only);
    const client = new Etcd3({ hosts: [...server.endpoints] });
    await client.put('a').value('1');
    await only.process.kill('SIGSTOP');
    const answer = client.get('a').string();
    await only.process.kill('SIGCONT');
    assert.equal(await answer, '1');
    client.close();
    await server.stop();
  });

  test('refuses writes when its quota is used up', async () => {
    const server = await etcd({ quotaBytes: 2 << 20 });
    const client = new Etcd3({ hosts: [...server.endpoints] });
    const fill = async () => {
      for (let index = 0; index < 64; index++) await client.put(`k${index}`).value('x'.repeat(256 << 10));
    };
    await assert.rejects(fill(), /database space exceeded/);
    client.close();
    await server.stop();
  });

  test('with TLS accepts only clients with a certificate', async () => {
    const server = await etcd({ tls: true });
    assert.ok(server.certificates);
    const { caFile, clientCertFile, clientKeyFile } = server.certificates;
    const rootCertificate = await readFile(caFile);
    const known = {
      rootCertificate,
      certChain: await readFile(clientCertFile),
      privateKey: await readFile(clientKeyFile),
    };
    const client = new Etcd3({ hosts: [...server.endpoints], credentials: known });
    await client.put('a').value('1');
    const stranger = new Etcd3({ hosts: [...server.endpoints], credentials: { rootCertificate } });
    await assert.rejects(stranger.get('a').string());
    client.close();
    stranger.close();
    await server.stop();
  });
});
