import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TestBucket } from '../../connectors/s3/test-harness.ts';
import { randomFrom } from '../kit/random.ts';
import { SingleMode } from '../kit/single-mode.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';
import { oneWay } from './folder.ts';
import { putLargeObject, readWithKills } from './large-object.ts';
import { readManyObjects } from './many-objects.ts';
import { roundTrip } from './round-trip.ts';

/** `make s3-proof`: the long forms of e2e/s3-agents.test.ts and e2e/s3-kills.test.ts. */
const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '4000' },
    kills: { type: 'string', default: '20' },
    'server-kills': { type: 'string', default: '5' },
    pauses: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '1024' },
    keys: { type: 'string', default: '100000' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const startMs = performance.now();
const say = (line: string) => console.log(`${((performance.now() - startMs) / 1_000).toFixed(0)} s: ${line}`);
const isWanted = (name: string) => values.only === undefined || values.only === name;
let passed = 0;

if (isWanted('agents')) {
  say(`agents and servers that are killed, seed ${values.seed}`);
  await roundTrip({
    objects: Number(values.objects),
    rowsPerObject: 100,
    batchRows: 2_000,
    kills: Number(values.kills),
    serverKills: Number(values['server-kills']),
    pauses: Number(values.pauses),
    timeoutMs: 20 * 60_000,
    random: randomFrom(Number(values.seed)),
    say,
  });
  passed += 1;
}
if (isWanted('large')) {
  say(`an object of ${values.megabytes} MiB, read by processes that are killed`);
  const folder = await tempFolder('s3-large');
  const bucket = await TestBucket.open();
  try {
    await mkdir(join(folder, 'default'));
    const single = new SingleMode(folder);
    await single.write(oneWay(bucket, folder, 50_000));
    const rows = await putLargeObject(bucket, 'in/large.jsonl', Number(values.megabytes) * 2 ** 20);
    say(`it has ${rows} rows`);
    const afterBatches = Math.max(2, Math.floor(rows / 250_000));
    await readWithKills(single, join(folder, 'default', 'warehouse.db'), { rows, kills: 4, afterBatches });
    passed += 1;
  } finally {
    await bucket.stop();
    await removeFolder(folder);
  }
}
if (isWanted('many')) {
  say(`${values.keys} small objects`);
  const bucket = await TestBucket.open();
  try {
    await readManyObjects(bucket, Number(values.keys), say);
    passed += 1;
  } finally {
    await bucket.stop();
  }
}
say(`${passed} passed, 0 failed`);
