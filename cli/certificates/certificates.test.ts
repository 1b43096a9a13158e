import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { idra } from '../test-cli.ts';
import { type Authorities, advanceAuthorities, bundleOf } from './authorities.ts';
import { authorityLifeMs, certificateLifeMs, makeAuthority, signCertificate } from './authority.ts';
import { reasonToReplace } from './certificate.ts';
import { FolderStore } from './folder-store.ts';
import { type IssueOptions, issueCertificates } from './issue.ts';

const now = Date.parse('2026-11-26T08:00:00Z');

function options(more: Partial<IssueOptions> = {}): IssueOptions {
  return { hosts: ['idra-etcd'], isRenewing: false, isRotatingAuthority: false, now, ...more };
}

describe('a certificate of etcd', () => {
  test('names its user, or its hosts and no user', async () => {
    const authority = await makeAuthority(now);
    const signer = new X509Certificate(authority.certificate);
    const client = new X509Certificate(
      (await signCertificate(authority, { user: 'idra-agent' }, now)).certificate,
    );
    const hosts = ['idra-etcd', '127.0.0.1'];
    const server = new X509Certificate((await signCertificate(authority, { hosts }, now)).certificate);
    assert.equal(client.subject, 'CN=idra-agent');
    assert.equal(client.subjectAltName, undefined);
    assert.deepEqual(client.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'a client cannot play the server');
    assert.equal(server.subject ?? '', '', 'etcd would take the name of a server for a user');
    assert.equal(server.checkHost('idra-etcd'), 'idra-etcd');
    assert.equal(server.checkIP('127.0.0.1'), '127.0.0.1');
    assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    for (const each of [client, server]) {
      assert.ok(each.verify(signer.publicKey) && !each.ca);
      assert.equal(each.validToDate.getTime() - now, certificateLifeMs);
    }
    assert.equal(signer.validToDate.getTime() - now, authorityLifeMs);
  });

  test('is replaced when less than a third of its life is left, and when it does not match', async () => {
    const [authority, other] = [await makeAuthority(now), await makeAuthority(now)];
    const request = { user: 'idra-agent' };
    const pair = await signCertificate(authority, request, now);
    const reason = (more: object = {}) => {
      const given = { pair, request, by: authority, at: now, ...more };
      return reasonToReplace(given.pair, given.request, given.by.certificate, given.at);
    };
    assert.equal(reason(), undefined);
    assert.equal(reason({ at: now + certificateLifeMs * 0.65 }), undefined);
    assert.match(reason({ at: now + certificateLifeMs * 0.67 }) ?? '', /a third/);
    assert.match(reason({ pair: undefined }) ?? '', /did not exist/);
    assert.match(reason({ by: other }) ?? '', /another authority/);
    assert.match(reason({ request: { user: 'idra-api' } }) ?? '', /for other names/);
    assert.match(reason({ pair: { ...pair, key: other.key } }) ?? '', /does not match the certificate/);
    assert.equal(reason({ pair: { ...pair, certificate: 'rubbish' } }), 'it could not be read');
  });
});

test('an authority is published long before it signs, and trusted as long as its certificates are valid', async () => {
  const make = () => makeAuthority(now);
  const step = async (stored: Authorities, at: number, isForced = false) =>
    (await advanceAuthorities(stored, make, now + authorityLifeMs * at, isForced)).authorities;
  const first = (await advanceAuthorities(undefined, make, now, false)).authorities;
  assert.equal(await step(first, 0.6), first);
  const published = await step(first, 0.67);
  assert.deepEqual([published.signing, published.previous], [first.signing, undefined]);
  assert.equal(bundleOf(published), first.signing.certificate + published.next?.certificate);
  assert.equal(await step(published, 0.8), published, 'etcd may not have been restarted yet');
  const used = await step(published, 0.84);
  assert.deepEqual(used, { signing: published.next, previous: first.signing.certificate });
  assert.equal(await step(used, 0.99), used);
  assert.deepEqual(await step(used, 1.01), { signing: used.signing });
  const byHand = await step(await step(await step(first, 0, true), 0, true), 0, true);
  assert.deepEqual(Object.keys(byHand), ['signing']);
  assert.notEqual(byHand.signing.certificate, first.signing.certificate);
});

describe('certificates in a folder', () => {
  test('are created once, renewed when they are due, and never written in part', async () => {
    const store = new FolderStore(join(await tempFolder('certificates'), 'etcd'));
    const made = await issueCertificates(store, options());
    assert.deepEqual(
      made.map(({ name, subject }) => [name, subject]),
      [
        ['ca', 'signs the other certificates'],
        ['server', 'idra-etcd localhost 127.0.0.1'],
        ['root', 'root'],
        ['operator', 'idra-operator'],
        ['agent', 'idra-agent'],
        ['api', 'idra-api'],
      ],
    );
    const before = await store.read('agent');
    const key = await stat(join(store.location('agent'), 'tls.key'));
    assert.equal(key.mode & 0o777, 0o600);
    const again = await issueCertificates(store, options());
    assert.ok(again.every(({ action }) => action === 'kept'));
    assert.deepEqual(await store.read('agent'), before);

    // Simulates a run that was killed while writing.
    const folder = join(store.location('agent'), '..');
    await mkdir(join(folder, '.agent-left'));
    await writeFile(join(folder, '.agent-left', 'tls.key'), 'half');
    const later = await issueCertificates(store, options({ now: now + certificateLifeMs * 0.7 }));
    assert.deepEqual(
      later.map(({ action }) => action.split(':')[0]),
      ['kept', 'created', 'created', 'created', 'created', 'created'],
    );
    assert.notEqual((await store.read('agent'))?.['tls.key'], before?.['tls.key']);
    const entries = await readdir(folder);
    assert.equal(entries.filter((entry) => entry.startsWith('.agent-')).length, 1);
  });

  test('trust the next authority before it signs anything', async () => {
    const store = new FolderStore(await tempFolder('certificates'));
    await issueCertificates(store, options());
    const before = await store.read('agent');
    await issueCertificates(store, options({ isRotatingAuthority: true }));
    const published = await store.read('agent');
    assert.equal(published?.['tls.crt'], before?.['tls.crt']);
    assert.equal(published?.['ca.crt']?.match(/BEGIN/g)?.length, 2);
    await issueCertificates(store, options({ isRotatingAuthority: true }));
    const used = await store.read('agent');
    assert.notEqual(used?.['tls.crt'], before?.['tls.crt']);
    assert.equal(used?.['ca.crt']?.match(/BEGIN/g)?.length, 2);
    await issueCertificates(store, options({ isRotatingAuthority: true }));
    const last = await store.read('agent');
    assert.equal(last?.['tls.crt'], used?.['tls.crt']);
    assert.equal(last?.['ca.crt']?.match(/BEGIN/g)?.length, 1);
    assert.ok(used?.['ca.crt']?.includes(last?.['ca.crt'] ?? 'none'));
  });

  test('the command creates them, reports what it did, and requires exactly one target', async () => {
    const folder = join(await tempFolder('certificates'), 'etcd');
    const { status, out } = await idra([
      ...['etcd', 'certificates', '--folder', folder, '--host', 'a', '10.1.2.3', '-o', 'json'],
    ]);
    assert.equal(status, 0);
    const rows = JSON.parse(out) as { name: string; subject: string; action: string }[];
    assert.equal(rows.find(({ name }) => name === 'server')?.subject, 'a 10.1.2.3 localhost 127.0.0.1');
    assert.doesNotMatch(out, /PRIVATE/);
    assert.match(await readFile(join(folder, 'root/tls.key'), 'utf8'), /PRIVATE KEY/);
    const wrong = await idra(['etcd', 'certificates']);
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /--folder and --secrets/);
  });
});
