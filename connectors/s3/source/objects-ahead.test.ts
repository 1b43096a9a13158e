import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answerMemory } from '../../../core/answer-memory.ts';
import type { ReadRange } from '../connection/object-contents.ts';
import { type ObjectEntry, S3Session } from '../session.ts';
import { signal, TestBucket } from '../test-harness.ts';
import { maxAhead, ObjectsAhead } from './objects-ahead.ts';

let bucket: TestBucket;
let session: S3Session;
before(async () => {
  bucket = await TestBucket.open();
  session = new S3Session(bucket.access);
});
after(async () => {
  await session?.close();
  await bucket?.stop();
});

async function put(key: string, content: string): Promise<ObjectEntry> {
  await bucket.put(key, content);
  const entry = await session.head(key, signal);
  assert.ok(entry);
  return entry;
}

async function read(ahead: ObjectsAhead, object: ObjectEntry, range: ReadRange = {}): Promise<string> {
  const body = await ahead.read(object, range, signal);
  const parts: Buffer[] = [];
  for await (const chunk of body.chunks) parts.push(chunk);
  body.close();
  return Buffer.concat(parts).toString();
}

test('what was requested is there, also if the object has been replaced since', async () => {
  const used = answerMemory.used;
  const ahead = new ObjectsAhead(session);
  const [one, other] = [await put('ahead/1', 'first of all'), await put('ahead/2', 'second')];
  ahead.request([one, other]);
  assert.equal(answerMemory.used, used + one.size + other.size);
  assert.equal(await read(ahead, other), 'second');
  await bucket.put('ahead/2', 'replaced');
  assert.equal(await read(ahead, other), 'second');
  const replaced = await session.head('ahead/2', signal);
  assert.equal(await read(ahead, replaced ?? other), 'replaced');
  assert.equal(await read(ahead, one, { start: 6, end: 8 }), 'of');
  ahead.request([one]);
  await assert.rejects(read(ahead, other), { code: 'ObjectChanged' });
  ahead.close();
  assert.equal(answerMemory.used, used);
});

test('an object that was replaced before it was requested is reported to its reader', async () => {
  const ahead = new ObjectsAhead(session);
  const object = await put('ahead/3', 'old');
  await bucket.put('ahead/3', 'new');
  ahead.request([object]);
  await assert.rejects(read(ahead, object), { code: 'ObjectChanged' });
  ahead.close();
});

test('large objects, and more than a few, are read when their turn comes', async () => {
  const ahead = new ObjectsAhead(session);
  const large = await put('ahead/large', 'x'.repeat(300 * 1_024));
  const many = [];
  for (let number = 0; number <= maxAhead; number++) many.push(await put(`ahead/many-${number}`, 'small'));
  const last = many.at(-1) ?? large;
  ahead.request([large]);
  ahead.request(many);
  for (const { key } of [large, last]) await bucket.put(key, 'replaced');
  await assert.rejects(read(ahead, large), { code: 'ObjectChanged' });
  await assert.rejects(read(ahead, last), { code: 'ObjectChanged' });
  assert.equal(await read(ahead, many[0] ?? large), 'small');
  ahead.close();
});

test('nothing is requested where answers take half of their memory', async () => {
  const { limit } = answerMemory;
  const others = answerMemory.shareOf({ namespace: 'others', where: 'others', end: () => {} });
  const object = await put('ahead/4', 'content');
  const ahead = new ObjectsAhead(session);
  others.hold(limit / 2 - answerMemory.used);
  try {
    ahead.request([object]);
    await bucket.put('ahead/4', 'replaced');
    await assert.rejects(read(ahead, object), { code: 'ObjectChanged' });
  } finally {
    others.release();
    ahead.close();
  }
});
