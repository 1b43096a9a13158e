import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { projectFolder, runCommand } from '../e2e/kit/processes.ts';
import { tempFolder } from '../e2e/kit/temp.ts';

describe('when the reader of the output has ended', () => {
  let folder: string;
  before(async () => {
    folder = await tempFolder('pipe');
    const source = new Database(join(folder, 'source.db'));
    source.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)');
    source.close();
    await writeFile(join(folder, 'syncs.yaml'), manifests);
  });

  /**
   * Uses a shell pipe whose reader exits before anything is written; returns the exit status of idra, and the content of the other
   * stream.
   */
  const piped = async (args: string, which: 'stdout' | 'stderr') => {
    const streams = which === 'stdout' ? '2>other' : '2>&1 >other';
    const script = `{ ${projectFolder}/bin/idra ${args} ${streams}; echo $? >status; } | { exec <&-; true; }; wait`;
    const { code, stderr } = await runCommand('sh', ['-c', script], { cwd: folder, timeoutMs: 60_000 });
    assert.deepEqual([code, stderr], [0, '']);
    const read = async (name: string) => await readFile(join(folder, name), 'utf8');
    return { status: Number(await read('status')), other: await read('other') };
  };
  const count = () => {
    const destination = new Database(join(folder, 'destination.db'));
    const { n } = destination.prepare('SELECT count(*) AS n FROM t').get() as { n: number };
    destination.close();
    return n;
  };

  test('help, check and plan end without an error, with their usual status', async () => {
    assert.deepEqual(await piped('--help', 'stdout'), { status: 0, other: '' });
    assert.deepEqual(await piped('check -f syncs.yaml', 'stdout'), { status: 0, other: '' });
    assert.deepEqual(await piped('plan -f syncs.yaml --state state.db', 'stdout'), { status: 1, other: '' });
    assert.equal((await piped('plan -f missing.yaml', 'stderr')).status, 2);
  });

  test('a run of one pass moves all rows, whichever stream is not read', async () => {
    const once = 'run -f syncs.yaml --once --state state.db';
    const { status, other } = await piped(once, 'stdout');
    assert.equal(status, 0, other);
    assert.doesNotMatch(other, /EPIPE|node:/);
    assert.equal(count(), 3);
    assert.equal((await piped(once, 'stderr')).status, 0);
    assert.equal((await piped(`${once} --progress json`, 'stdout')).status, 0);
  });

  test('a continuous run stops, as by Ctrl-C, when its progress output is closed', async () => {
    const { status } = await piped('run -f syncs.yaml --state state.db', 'stderr');
    assert.equal(status, 0);
  });

  test('an agent whose log is closed ends with its own status', async () => {
    const { status } = await piped('agent', 'stderr');
    assert.equal(status, 3);
  });
});

const manifests = `
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: source }
spec: { sqlite: { path: source.db } }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: destination }
spec: { sqlite: { path: destination.db } }
---
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: t }
spec:
  source: { dataSource: source, table: t, idField: id }
  destination: { dataSource: destination, table: t }
  mode: Id
  schedule: { continuous: true }
`;
