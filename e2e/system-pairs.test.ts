import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { definitions } from '../connectors/catalog.ts';
import type { SystemType } from '../core/sync-spec.ts';
import { projectFolder } from './kit/processes.ts';
import { ServerMissing } from './kit/servers.ts';
import { type OnceResult, SingleMode, syncManifest } from './kit/single-mode.ts';
import { dataSystems, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { guaranteeOf, pairsPage } from './pairs/pairs-page.ts';
import { httpEnd, kafkaEnd, type StartedEnd, s3End } from './pairs/record-ends.ts';
import { databaseEnd } from './pairs/sql-end.ts';
import { pairRows, type SystemEnd } from './pairs/system-end.ts';

/**
 * Every ordered pair of all systems: a few rows arrive at each destination as they are at the source, a second run writes nothing twice, and
 * the guarantee in the status is that of docs/pairs.md. One process moves the rows of one source to all destinations.
 */
const types = definitions.map(({ type }) => type);
const ends = new Map<SystemType, SystemEnd>();
/** Of systems whose server is not on this machine. */
const missing = new Map<SystemType, ServerMissing>();
const started: StartedEnd[] = [];
let systems: TestSystems;
let folder: string;

before(async () => {
  folder = await tempFolder('system-pairs');
  systems = new TestSystems(folder);
  // One server after the other: a slow machine would not start them all in time.
  for (const type of types) await open(type);
});

after(async () => {
  await Promise.all(started.map((each) => each.stop()));
  await systems?.stop();
});

async function open(type: SystemType): Promise<void> {
  try {
    ends.set(type, await endOf(type));
  } catch (error) {
    if (!(error instanceof ServerMissing)) throw error;
    missing.set(type, error);
  }
}

async function endOf(type: SystemType): Promise<SystemEnd> {
  switch (type) {
    case 'kafka':
      return keep(await kafkaEnd());
    case 'http':
      return keep(await httpEnd());
    case 's3':
      return keep(await s3End());
    default:
      return await databaseEnd(await databaseOf(type));
  }
}

/** MariaDB where there is no MySQL. */
async function databaseOf(type: SystemType) {
  const system = dataSystems.find((each) => each === type);
  if (!system) throw new Error(`there are no test servers of ${type}`);
  try {
    return await systems.createAny(system);
  } catch (error) {
    if (type === 'mysql' && error instanceof ServerMissing) return await systems.createAny('mariadb');
    throw error;
  }
}

function keep(end: StartedEnd): StartedEnd {
  started.push(end);
  return end;
}

/** A missing server skips the test. */
function required(type: SystemType): SystemEnd {
  const end = ends.get(type);
  if (!end) throw missing.get(type) ?? new Error(`${type} was not opened`);
  return end;
}

for (const from of types) {
  describe(`from ${from}`, () => {
    let runs: readonly OnceResult[] = [];

    before(async () => {
      const source = ends.get(from);
      if (source) runs = await runTwice(source);
    });

    for (const to of types) {
      test(`to ${to}`, async () => {
        required(from);
        const destination = required(to);
        const [first] = runs.map(({ status, stderr }) => {
          const found = status.get(`to-${to}`) ?? assert.fail(`no status: ${stderr}`);
          assert.equal(found.lastError, undefined, JSON.stringify(found.lastError));
          return found;
        });
        const promised = to === 'mongodb' ? destination.guarantee : guaranteeOf(from, to);
        assert.equal(first?.guarantee, promised);
        assert.equal(runs.length, 2);
        assert.deepEqual(await destination.rows(from), pairRows);
      });
    }
  });
}

test('docs/pairs.md has every pair', async () => {
  const file = join(projectFolder, 'docs/pairs.md');
  const page = pairsPage(definitions);
  if (process.env.IDRA_WRITE_DOCS) await writeFile(file, page);
  assert.equal(
    await readFile(file, 'utf8').catch(() => ''),
    page,
    'run with IDRA_WRITE_DOCS=1 to regenerate it',
  );
});

async function runTwice(source: SystemEnd): Promise<readonly OnceResult[]> {
  const single = new SingleMode(join(folder, source.type), ['sqlserver']);
  const destinations = [...ends.values()];
  await single.write(
    [
      source.manifest('source'),
      ...destinations.map((each) => each.manifest(each.type)),
      ...destinations.map((each) => syncManifest(`to-${each.type}`, specOf(source, each))),
    ].join(''),
  );
  return [await single.runOnce(), await single.runOnce()];
}

function specOf(source: SystemEnd, destination: SystemEnd): object {
  return {
    source: { dataSource: 'source', ...source.source },
    destination: { dataSource: destination.type, ...destination.destination(source.type) },
    mode: source.mode,
    writeMode: destination.writeMode,
    ...(source.mode === 'Snapshot' && { schedule: { once: true } }),
    batch: { maxRows: 5 },
  };
}
