import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { lookUpInstance, portIn } from './instance-lookup.ts';

function answer(text: string): Buffer {
  const body = Buffer.from(text, 'latin1');
  const head = Buffer.from([5, 0, 0]);
  head.writeUInt16LE(body.length, 1);
  return Buffer.concat([head, body]);
}

const entry =
  'ServerName;DB;InstanceName;SHOP;IsClustered;No;Version;16.0.1000.6;tcp;51433;np;\\\\DB\\pipe;;';

test('the port is that of the instance that was asked for, and nothing else is a port', () => {
  assert.equal(portIn(answer(entry), 'shop'), 51_433);
  assert.equal(portIn(answer(entry), 'other'), undefined);
  assert.equal(portIn(answer(entry.replace('51433', '70000')), 'shop'), undefined);
  assert.equal(portIn(answer(entry.replace('51433', '1433x')), 'shop'), undefined);
  assert.equal(portIn(answer(entry.replace('tcp;51433;', '')), 'shop'), undefined);
  assert.equal(portIn(Buffer.from('garbage'), 'shop'), undefined);
  assert.equal(portIn(Buffer.alloc(0), 'shop'), undefined);
  assert.equal(portIn(answer(entry + 'x'.repeat(5_000)), 'shop'), undefined);
});

test('the browser is asked again until it answers, and answers to others are ignored', async () => {
  const server = createSocket('udp4');
  let requests = 0;
  server.on('message', (request, from) => {
    requests += 1;
    assert.deepEqual([...request], [4, ...Buffer.from('shop'), 0]);
    const reply = requests === 1 ? answer(entry.replace('SHOP', 'OTHER')) : answer(entry);
    server.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  try {
    const where = { host: '127.0.0.1', instance: 'shop', where: 'test' };
    assert.equal(await lookUpInstance(where, AbortSignal.timeout(20_000), server.address().port), 51_433);
    assert.equal(requests, 2);
  } finally {
    server.close();
  }
});

test('no answer is an error that names the field', async () => {
  const stop = new AbortController();
  const asked = lookUpInstance({ host: '127.0.0.1', instance: 'shop', where: 'test' }, stop.signal, 9);
  setImmediate(() => stop.abort());
  await assert.rejects(
    asked,
    (error: { code: string; path: string }) =>
      // A system that reports closed UDP ports says so first.
      error.code === 'ECONNREFUSED' ||
      (error.code === 'HostUnreachable' && error.path === 'spec.sqlserver.instance'),
  );
});
