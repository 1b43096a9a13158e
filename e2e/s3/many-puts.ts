import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { TestBucket } from '../../connectors/s3/test-harness.ts';

const blockBytes = 512;
const objectsPerCall = 5_000;
const concurrentPuts = 64;

type NewObject = readonly [key: string, content: string];

/**
 * Small objects, thousands by one call: MinIO takes them out of an archive (tar) that has this header. One call for each of 100,000 objects would
 * take longer than everything that is done with them. Other servers get one call for each.
 */
export async function putMany(bucket: TestBucket, objects: readonly NewObject[]): Promise<void> {
  for (let from = 0; from < objects.length; from += objectsPerCall) {
    const some = objects.slice(from, from + objectsPerCall);
    await putArchive(bucket, some);
    const [first] = some;
    if (first && (await bucket.keys(first[0])).length === 0) await putEach(bucket, some);
  }
}

const archive = 'archive.tar';

async function putArchive({ server, name }: TestBucket, objects: readonly NewObject[]): Promise<void> {
  const seconds = Math.floor(Date.now() / 1_000);
  const entries = objects.flatMap(([key, content]) => entryOf(key, Buffer.from(content), seconds));
  const command = new PutObjectCommand({
    Bucket: name,
    Key: archive,
    Body: Buffer.concat([...entries, Buffer.alloc(2 * blockBytes)]),
    Metadata: { 'snowball-auto-extract': 'true' },
  });
  await server.client.send(command);
}

async function putEach(bucket: TestBucket, objects: readonly NewObject[]): Promise<void> {
  await bucket.delete(archive);
  for (let from = 0; from < objects.length; from += concurrentPuts) {
    const some = objects.slice(from, from + concurrentPuts);
    await Promise.all(some.map(([key, content]) => bucket.put(key, content)));
  }
}

/** A file of the ustar format: its header, and its content up to the end of a block. */
function entryOf(name: string, content: Buffer, modifiedSeconds: number): readonly Buffer[] {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  header.write(name, 0);
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(content.length, 124, 11);
  octal(modifiedSeconds, 136, 11);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const rest = (blockBytes - (content.length % blockBytes)) % blockBytes;
  return [header, content, Buffer.alloc(rest)];
}
