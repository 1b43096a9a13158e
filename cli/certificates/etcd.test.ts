import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { connectCoordination } from '../../coordination/connect.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { FolderStore } from './folder-store.ts';
import { type IssueOptions, issueCertificates } from './issue.ts';

test('etcd identifies its users by these certificates, and accepts renewed ones and another authority', async () => {
  const folder = await tempFolder('etcd-certificates');
  const store = new FolderStore(folder);
  const issue = async (more: Partial<IssueOptions> = {}) =>
    await issueCertificates(store, {
      hosts: [],
      isRenewing: false,
      isRotatingAuthority: false,
      now: Date.now(),
      ...more,
    });
  const file = (name: string) => join(folder, 'server', name);
  await issue();
  const server = await etcd({
    tls: { caFile: file('ca.crt'), certFile: file('tls.crt'), keyFile: file('tls.key') },
  });
  try {
    await reaches(server, folder, 'agent');
    await assert.rejects(reaches(server, folder, undefined), { code: 'EtcdUnavailable' });

    const before = await serialOfServer(server);
    await issue({ isRenewing: true });
    await reaches(server, folder, 'agent');
    assert.notEqual(await serialOfServer(server), before, 'the new one is shown without a restart');

    for (let step = 0; step < 3; step++) {
      await issue({ isRotatingAuthority: true });
      // It must also work before the restart: the steps exist for that.
      await reaches(server, folder, 'operator');
      await server.members[0]?.process.restart();
      await reaches(server, folder, 'operator');
    }
  } finally {
    await server.stop();
  }
});

/** Throws if etcd does not accept this user, or the user does not trust etcd. */
async function reaches(server: EtcdServer, folder: string, name: string | undefined): Promise<void> {
  const own = (file: string) => join(folder, name ?? 'agent', file);
  const client = connectCoordination({
    endpoints: server.endpoints,
    prefix: server.prefix,
    caFile: own('ca.crt'),
    ...(name && { certFile: own('tls.crt'), keyFile: own('tls.key') }),
  });
  try {
    await client.ping();
  } finally {
    await client.close();
  }
}

async function serialOfServer({ endpoints }: EtcdServer): Promise<string> {
  const { hostname, port } = new URL(endpoints[0] ?? '');
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(new X509Certificate(raw).serialNumber);
    });
    socket.on('error', reject);
  });
}
