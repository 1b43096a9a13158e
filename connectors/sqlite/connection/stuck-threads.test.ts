import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../../../e2e/kit/temp.ts';
import { execute } from '../test-harness.ts';
import { ended, requireNoneStuck } from './stuck-threads.ts';

test('while a thread does not end no other is started on its file', async () => {
  const late = Promise.withResolvers<number>();
  await ended('slow.db', late.promise, 1);
  assert.throws(() => requireNoneStuck('slow.db'), { code: 'StatementStuck', path: 'spec.sqlite.path' });
  requireNoneStuck('other.db');
  late.resolve(0);
  await late.promise;
  await new Promise(setImmediate);
  requireNoneStuck('slow.db');
});

test('a thread that ends in time leaves nothing behind', async () => {
  await ended('quick.db', Promise.resolve(0));
  requireNoneStuck('quick.db');
});

test('an endless view blocks neither the caller that aborted it nor the end of the process', async () => {
  const folder = await tempFolder('stuck');
  const file = join(folder, 'endless.db');
  execute(
    file,
    'CREATE VIEW v AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n',
  );
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { FileThread } from ${JSON.stringify(new URL('../session.ts', import.meta.url).href)};
    const thread = new FileThread({ role: 'source', file: ${JSON.stringify(file)}, object: { table: 'v', timeZone: 'UTC' } });
    const code = (work) => work.catch((error) => console.log(error.code));
    await thread.call(undefined, 'describe');
    const stop = new AbortController();
    const endless = thread.call(stop.signal, 'firstKey', 'SELECT c FROM v', { name: 'c', type: { kind: 'untyped' } });
    await sleep(500);
    stop.abort(Object.assign(new Error(), { code: 'given up' }));
    await code(endless);
    await sleep(3_000);
    await code(thread.call(undefined, 'describe'));
    await thread.close();
    process.exit(0);`;
  const program = join(folder, 'program.mjs');
  writeFileSync(program, script);
  const { stdout, stderr, signal } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.deepEqual(stdout.trim().split('\n'), ['given up', 'StatementStuck'], stderr);
  assert.equal(signal, 'SIGKILL');
});
