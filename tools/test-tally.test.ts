import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { runOrFail } from '../e2e/kit/processes.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { TestTally } from './test-tally.ts';

const missing = `class ServerMissing extends Error { name = 'ServerMissing'; code = 'SERVER_MISSING' }
  const missing = (server) => new ServerMissing(server + ': not found; searched it');
  const { test, describe, before } = await import('node:test');`;

/** Runs one test file under Node's runner and returns the result of the tally. */
async function tallyOf(source: string, permitted: readonly string[] = ['mysql']): Promise<unknown> {
  const folder = await tempFolder('tally');
  const file = join(folder, 'a.test.mjs');
  await writeFile(file, `${missing}\n${source}`);
  // Node does not allow a runner inside a runner, so it runs as a separate process.
  const script = join(folder, 'run.mjs');
  await writeFile(
    script,
    `import { run } from 'node:test';
     import { TestTally } from '${import.meta.dirname}/test-tally.ts';
     const tally = new TestTally((server) => ${JSON.stringify(permitted)}.includes(server));
     for await (const event of run({ files: ['${file}'], isolation: 'process' })) tally.add(event, '${file}', 'a.test.mjs');
     tally.finish();
     const { passed, failures, skips } = tally;
     console.log(JSON.stringify({ passed, failures: failures.map(({ test, error }) => [test, error.split('\\n')[0]]), skips }));`,
  );
  const env = { NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined };
  return JSON.parse(await runOrFail(process.execPath, [script], { env }));
}

const skip = (name: string, reason = 'mysql: not found; searched it') => ({
  file: 'a.test.mjs',
  test: name,
  reason,
});

test('counts tests, not suites, and reports failures with their full name', async () => {
  const result = await tallyOf(`
    describe('outer', () => { describe('inner', () => { test('good', () => {}); test('bad', () => { throw new Error('no') }) }) });
    test('last', () => {});`);
  assert.deepEqual(result, { passed: 2, failures: [['outer > inner > bad', 'Error: no']], skips: [] });
});

test('a missing server skips a test, a suite, and a whole file', async () => {
  const direct = await tallyOf(`test('one', () => { throw missing('mysql') }); test('two', () => {});`);
  assert.deepEqual(direct, { passed: 1, failures: [], skips: [skip('one')] });

  const hook = await tallyOf(`describe('s', () => {
    before(() => { throw new Error('wrapped', { cause: missing('mysql') }) }); test('one', () => {}); test('two', () => {}) });`);
  assert.deepEqual(hook, { passed: 0, failures: [], skips: [skip('s > one'), skip('s > two')] });

  const load = await tallyOf(`throw missing('mysql');`);
  assert.deepEqual(load, { passed: 0, failures: [], skips: [skip('(the file)')] });
});

test('a skip that is not permitted is a failure', async () => {
  const reason = 'skipped, which e2e/permitted-skips.txt does not permit';
  const result = await tallyOf(`
    test('one', () => { throw missing('etcd') }); test('two', { skip: true }, () => {});
    test('three', { skip: 'mysql: not found; searched it' }, () => {});`);
  assert.deepEqual(result, {
    passed: 0,
    failures: [
      ['one', `${reason}: etcd: not found; searched it`],
      ['two', `${reason}: no reason given`],
    ],
    skips: [skip('three')],
  });
});

test('a file that breaks while it is loaded, or has no test, is a failure', async () => {
  const broken = (await tallyOf(`throw new Error('broken');`)) as { failures: string[][] };
  assert.deepEqual(
    broken.failures.map(([name]) => name),
    ['(the file)'],
  );
  for (const empty of [
    '',
    `describe('each of none', () => { for (const each of []) test(each, () => {}); });`,
  ])
    assert.deepEqual(await tallyOf(empty), {
      passed: 0,
      failures: [['(the file)', 'it contains no test']],
      skips: [],
    });
});

test('a suite whose hook fails fails its tests, each counted', async () => {
  const result = await tallyOf(
    `describe('s', () => { before(() => { throw new Error('hook') }); test('one', () => {}) });`,
  );
  const cancelled = 'cancelled because its suite failed';
  assert.deepEqual(result, {
    passed: 0,
    failures: [
      ['s', 'Error: hook'],
      ['s > one', cancelled],
    ],
    skips: [],
  });
});

test('a file that ended before all its results arrived has failed', () => {
  const tally = new TestTally(() => false);
  tally.addUnfinished('a.test.mjs');
  assert.deepEqual(
    tally.failures.map(({ file, error }) => [file, error]),
    [['a.test.mjs', 'it ended without reporting all its results']],
  );
});

test('files that share the definition of their tests are told apart', () => {
  const tally = new TestTally(() => true);
  const send = (path: string, type: string, data: object) =>
    tally.add(
      { type, data: { nesting: 0, file: '/tests/shared.ts', ...data } } as unknown as TestEvent,
      path,
      path,
    );
  const missing = Object.assign(new Error('mongodb: not found'), { code: 'SERVER_MISSING' });
  const suite = { type: 'suite' };
  for (const name of ['one', 'other']) send(`${name}.test.ts`, 'test:start', { name });
  send('one.test.ts', 'test:fail', { name: 'one', details: { ...suite, error: missing } });
  const cancelled = { name: 'case', nesting: 1, details: { error: { failureType: 'cancelledByParent' } } };
  for (const name of ['one', 'other']) send(`${name}.test.ts`, 'test:fail', cancelled);
  tally.finish();
  assert.deepEqual(
    tally.skips.map(({ file, test }) => [file, test]),
    [['one.test.ts', 'one > case']],
  );
  assert.deepEqual(
    tally.failures.map(({ file, test }) => [file, test]),
    [['other.test.ts', 'other > case']],
  );
});
