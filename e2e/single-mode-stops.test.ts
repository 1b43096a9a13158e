import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { until } from './kit/wait.ts';
import { byId, byKey, ends, manyRows, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';

let folder: ShopFolder;
beforeEach(async () => {
  folder = await ShopFolder.make();
});
afterEach(async () => {
  await folder.remove();
});

test('a state file belongs to one process: the error of a second one names it', async () => {
  folder.execute('shop.db', shop);
  await folder.manifests(ends + sync(byId));
  const running = await folder.start();
  await running.waitForLine(/caught up/);
  for (const args of [
    ['run', '-f', 'shop.yaml'],
    ['offset', 'get', 'orders'],
  ]) {
    const { code, stderr } = await folder.idra(...args);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`in use by process ${running.pid}.*--state`));
  }
  running.kill('SIGKILL');
  await running.waitForExit();
  assert.equal((await folder.idra('run', '-f', 'shop.yaml', '--once')).code, 0);
});

for (const way of ['keep-offset', 'restart']) {
  test(`a lost state file: the run stops, and continues by ${way}`, async () => {
    folder.execute('shop.db', shop);
    await folder.manifests(ends + sync({ ...byId, writeMode: 'Upsert' }));
    await folder.idra('run', '-f', 'shop.yaml', '--once');
    await rm(join(folder.path, '.idra'), { recursive: true });
    folder.execute(
      'shop.db',
      "UPDATE orders SET v = 'changed' WHERE id = 1; INSERT INTO orders (v) VALUES ('d')",
    );
    const stopped = await folder.idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(stopped.code, 1);
    assert.match(stopped.stderr, /^orders: OffsetNoLongerFits: .*restart .*keep-offset /m);
    assert.equal(folder.countArrived(), 3);
    const asked = await folder.idra(way, 'orders', ...(way === 'restart' ? ['--yes'] : []));
    assert.equal(asked.code, 0, asked.stderr);
    const { code, stdout, stderr } = await folder.idra('run', '-f', 'shop.yaml', '--once');
    assert.equal(code, 0, stderr);
    assert.equal(folder.arrived()[0]?.[1], way === 'restart' ? 'changed' : 'a');
    assert.match(stdout, / 4 +0s /);
    assert.equal(folder.countArrived(), 4);
  });
}

test('Ctrl-C stops at a batch edge with the table, and the next start continues from there', async () => {
  folder.execute('shop.db', shop + manyRows);
  await folder.manifests(ends + sync({ ...byKey, writeMode: 'Append' }));
  const running = await folder.start();
  await until(() => folder.countArrived() > 500, { what: 'some batches', everyMs: 5 });
  running.kill('SIGINT');
  assert.deepEqual(await running.waitForExit(), { code: 0, signal: null });
  const written = folder.countArrived();
  assert.ok(written < 20_003, 'it was stopped too late to prove anything');
  assert.equal(written % 100, 0);
  assert.match(running.stdout.join('\n'), new RegExp(`^orders .* ${written} `, 'm'));
  assert.match(running.stderr.join('\n'), /stopping after the current batch/);
  const rest = await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.match(rest.stdout, /^orders .* Completed +local +20003 /m);
  assert.deepEqual(folder.arrived(), folder.query('shop.db', 'SELECT id, v FROM orders'));
});

test('a pass of --once that is stopped is not taken for a complete one', async () => {
  folder.execute('shop.db', shop + manyRows);
  await folder.manifests(ends + sync({ ...byId, batch: { maxRows: 100 } }));
  const running = await folder.start('--once');
  await until(() => folder.countArrived() > 500, { what: 'some batches', everyMs: 5 });
  running.kill('SIGTERM');
  assert.deepEqual(await running.waitForExit(), { code: 143, signal: null });
  assert.ok(folder.countArrived() < 20_003, 'it was stopped too late to prove anything');
  assert.equal((await folder.idra('run', '-f', 'shop.yaml', '--once')).code, 0);
  assert.equal(folder.countArrived(), 20_003);
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`a second ${signal} exits immediately with ${status}; nothing of the batch is written`, async () => {
    folder.execute('shop.db', shop);
    await folder.manifests(ends + sync({ ...byId, schedule: { every: '1s' } }));
    const running = await folder.start('--progress', 'json');
    await running.waitForLine('"reason":"CaughtUp"');
    const blocker = folder.open('warehouse.db');
    try {
      blocker.exec('BEGIN IMMEDIATE');
      folder.execute('shop.db', "INSERT INTO orders (v) VALUES ('d')");
      await until(() => /"CaughtUp".*"MovingRows"/s.test(running.stdout.join('\n')), {
        what: 'a second pass to have a batch in hand',
      });
      running.kill(signal);
      await running.waitForLine('stopping after the current batch');
      running.kill(signal);
      assert.deepEqual(await running.waitForExit(), { code: status, signal: null });
      blocker.exec('COMMIT');
    } finally {
      blocker.close();
    }
    assert.equal(folder.countArrived(), 3);
    assert.equal((await folder.idra('run', '-f', 'shop.yaml', '--once')).code, 0);
    assert.equal(folder.countArrived(), 4);
  });
}

test('SIGKILL at any moment: the next start continues, with each row once', async () => {
  folder.execute('shop.db', shop + manyRows);
  await folder.manifests(ends + sync({ ...byKey, writeMode: 'Append', batch: { maxRows: 1_000 } }));
  for (const rows of [1, 5_000, 12_000]) {
    const running = await folder.start();
    await until(() => folder.countArrived() >= rows, { what: `${rows} rows`, everyMs: 5 });
    running.kill('SIGKILL');
    await running.waitForExit();
  }
  const { code, stdout } = await folder.idra('run', '-f', 'shop.yaml', '--once');
  assert.equal(code, 0);
  assert.match(stdout, /^orders .* Completed +local +20003 /m);
  assert.deepEqual(folder.arrived(), folder.query('shop.db', 'SELECT id, v FROM orders'));
});
