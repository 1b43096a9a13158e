import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TestBucket } from '../connectors/s3/test-harness.ts';
import type { CrashPoint } from '../core/crash-points.ts';
import { killedAt } from './kit/kill-hook.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { bucketManifests } from './s3/bucket-ends.ts';

let bucket: TestBucket;
let folder: string;
before(async () => {
  bucket = await TestBucket.open();
  folder = await tempFolder('s3-raw');
  await mkdir(join(folder, 'default'));
});
after(async () => {
  await bucket?.stop();
  await removeFolder(folder);
});

const points: readonly (readonly [CrashPoint, number])[] = [
  ['write:before', 6],
  ['commit:before', 2],
  ['commit:after', 1],
  ['mirror:before', 1],
];

test('objects from prefix to prefix, byte by byte, by a process that is killed', async () => {
  const single = new SingleMode(folder);
  await single.write(
    bucketManifests('lake', bucket) +
      syncManifest('copy', {
        source: { dataSource: 'lake', prefix: 'in/', format: 'Raw' },
        destination: { dataSource: 'lake', prefix: 'copy/', format: 'Raw' },
        mode: 'Stream',
        writeMode: 'Append',
        schedule: { every: '1s' },
        batch: { maxRows: 4 },
      }),
  );
  const contents = new Map<string, Buffer>();
  const put = async (name: string) => {
    const content = randomBytes(contents.size * 1_000);
    contents.set(name, content);
    await bucket.put(`in/${name}`, content);
  };
  for (const [index, [at, count]] of points.entries()) {
    for (let number = 0; number < 20; number++) await put(`${number % 3}/${index}-${number}.bin`);
    const { signal: ended } = await single.runKilled(killedAt({ at, count }));
    assert.equal(ended, 'SIGKILL', `it ended before ${at}`);
  }
  await put('0/0-0.bin');
  const copied = async () => (await bucket.allKeys('copy/')).filter((key) => !key.includes('/_idra/'));
  // What appears within the second in which a pass begins is left to the next one.
  const isSame = async () => {
    const keys = await copied();
    if (keys.length < contents.size) return false;
    const last = contents.get('0/0-0.bin');
    return last !== undefined && (await bucket.get('copy/0/0-0.bin')).equals(last);
  };
  for (let pass = 0; pass < 20 && !(await isSame()); pass++) await single.runWell();
  assert.deepEqual(await copied(), [...contents.keys()].map((name) => `copy/${name}`).toSorted());
  for (const [name, content] of contents)
    assert.ok((await bucket.get(`copy/${name}`)).equals(content), `${name} is another one`);
});
