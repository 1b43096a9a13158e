import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { installCrashHook } from '../../../core/crash-points.ts';
import type { IdraError } from '../../../core/errors.ts';
import { decodeOffset } from '../../../core/offset.ts';
import { isFenced } from '../../sql/test-flow.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

async function fill(table: string, rows: number, more = ''): Promise<void> {
  await database.run(`CREATE TABLE ${table} (id bigint PRIMARY KEY, body text NOT NULL ${more});
    INSERT INTO ${table} (id, body) SELECT i, 'row ' || i FROM generate_series(1, ${rows}) i`);
}

function commitRow(table: string) {
  return database.run(`SELECT token, "offset", rows FROM _idra_commits WHERE "table" = '${table}'`);
}

async function equal(from: string, to: string, columns = '*'): Promise<void> {
  const rows = (table: string) => database.run(`SELECT ${columns} FROM ${table} ORDER BY 1, 2`);
  assert.deepEqual(await rows(to), await rows(from));
}

describe('Upsert', () => {
  test('a snapshot creates the table with its key, keeps the offset with each batch, and its second pass changes what has changed', async () => {
    await fill('up_from', 100);
    const flow = await openFlow(database, { from: 'up_from', to: 'up_to', maxRows: 30 });
    const claim = await flow.claim();
    assert.deepEqual([claim.token, claim.offset, claim.rows], [1n, null, 0]);
    const { batches } = await flow.pass();
    assert.deepEqual(
      batches.map((batch) => batch.rowCount),
      [30, 30, 30, 10],
    );
    await equal('up_from', 'up_to');
    const complete = decodeOffset((await commitRow('up_to'))[0]?.[1] ?? '');
    assert.deepEqual(complete, { mode: 'Snapshot', pass: 1, key: null, isComplete: true });
    await database.run(
      "UPDATE up_from SET body = 'changed' WHERE id % 7 = 0; DELETE FROM up_from WHERE id = 1; INSERT INTO up_from VALUES (1000, 'new')",
    );
    await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
    await database.run('DELETE FROM up_to WHERE id = 1');
    await equal('up_from', 'up_to');
    const [[, , rows] = []] = await commitRow('up_to');
    assert.equal(rows, '200');
    await flow.close();
  });

  test('of several rows of one key the last in read order wins, whichever format', async () => {
    await database.run(`CREATE TABLE twice (id int PRIMARY KEY, k int NOT NULL, body text);
      INSERT INTO twice SELECT i, i % 5, 'v' || i FROM generate_series(1, 40) i`);
    for (const rowFormat of ['best', 'values'] as const) {
      await database.run(
        'DROP TABLE IF EXISTS twice_to; CREATE TABLE twice_to (id int, k int PRIMARY KEY, body text)',
      );
      const flow = await openFlow(database, {
        from: 'twice',
        to: 'twice_to',
        key: ['k'],
        rowFormat,
        uid: rowFormat,
      });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await database.run('SELECT k, body FROM twice_to ORDER BY k'), [
        ['0', 'v40'],
        ['1', 'v36'],
        ['2', 'v37'],
        ['3', 'v38'],
        ['4', 'v39'],
      ]);
      await flow.close();
    }
  });

  test('new rows into a table that has others of its keys are merged though a straight COPY was tried first', async () => {
    await fill('mixed', 50);
    await database.run(
      "CREATE TABLE mixed_to (LIKE mixed INCLUDING ALL); INSERT INTO mixed_to VALUES (25, 'old'), (70, 'stays')",
    );
    const flow = await openFlow(database, {
      from: 'mixed',
      to: 'mixed_to',
      mode: 'Id',
      idField: 'id',
      maxRows: 20,
    });
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await database.run('SELECT count(*), max(id) FROM mixed_to'), [['51', '70']]);
    assert.deepEqual(await database.run('SELECT body FROM mixed_to WHERE id = 25'), [['row 25']]);
    assert.equal((await commitRow('mixed_to'))[0]?.[2], '50');
    await flow.close();
  });

  test('identity columns take the values of the source', async () => {
    await database.run(`CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int, body text);
      INSERT INTO ident (nr, body) SELECT i, 'b' FROM generate_series(1, 5) i;
      CREATE TABLE ident_to (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int, body text)`);
    const flow = await openFlow(database, { from: 'ident', to: 'ident_to' });
    await flow.claim();
    await flow.pass();
    await database.run("UPDATE ident SET body = 'c'");
    await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
    await equal('ident', 'ident_to');
    await flow.close();
  });
});

describe('Append', () => {
  test('by id goes on after the last one, and counts what it wrote', async () => {
    await fill('log_from', 10);
    const options = {
      from: 'log_from',
      to: 'log_to',
      mode: 'Id',
      idField: 'id',
      writeMode: 'Append',
    } as const;
    const flow = await openFlow(database, options);
    await flow.claim();
    const { batches } = await flow.pass();
    await database.run("INSERT INTO log_from VALUES (11, 'later')");
    await flow.pass(batches.at(-1)?.offset);
    await equal('log_from', 'log_to');
    await flow.close();
    const again = await openFlow(database, options);
    const claim = await again.claim();
    assert.deepEqual([claim.offset, claim.rows, claim.token], ['{"mode":"Id","id":"11"}', 11, 2n]);
    assert.deepEqual(await again.destination.largest(['id'], signal), [11n]);
    await again.close();
  });

  test('a table without a key is one cursor and one transaction', async () => {
    await database.run(
      "CREATE TABLE heap (body text); INSERT INTO heap SELECT 'b' || i % 3 FROM generate_series(1, 50) i",
    );
    const flow = await openFlow(database, { from: 'heap', to: 'heap_to', writeMode: 'Append', maxRows: 20 });
    await flow.claim();
    await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
    const reading = flow.source.read(
      { ...flow.request, after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false } },
      signal,
    );
    const seen: number[] = [];
    for await (const batch of reading) {
      seen.push((await flow.destination.write(batch, signal)).totalRows);
      assert.deepEqual(await database.run('SELECT count(*) FROM heap_to'), [['0']]);
    }
    assert.deepEqual(seen, [20, 40, 50]);
    await flow.destination.endPass({ mode: 'Snapshot', pass: 1, key: null, isComplete: true }, signal);
    assert.deepEqual(await database.run('SELECT count(*) FROM heap_to'), [['50']]);
    await flow.close();
  });
});

describe('batches', () => {
  test('end at maxBytes, and a larger row travels alone', async () => {
    await database.run(`CREATE TABLE wide (id int PRIMARY KEY, body text);
      INSERT INTO wide SELECT i, repeat('x', CASE i WHEN 7 THEN 50000 ELSE 900 END) FROM generate_series(1, 30) i`);
    const flow = await openFlow(database, { from: 'wide', to: 'wide_to', maxBytes: 10_000 });
    await flow.claim();
    const { batches } = await flow.pass();
    assert.ok(batches.every((batch) => batch.byteCount <= 10_000 || batch.rowCount === 1));
    assert.ok(batches.some((batch) => batch.byteCount > 50_000));
    await equal('wide', 'wide_to');
    await flow.close();
  });

  test('a pass that is left early goes on after its last batch', async () => {
    await fill('early', 200);
    const flow = await openFlow(database, { from: 'early', to: 'early_to', maxRows: 30 });
    await flow.claim();
    const start = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
    await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
    const reading = flow.source.read({ ...flow.request, after: start }, signal);
    const first = (await reading.next()).value as Batch;
    await flow.destination.write(first, signal);
    await reading.return(undefined as never);
    const again = await openFlow(database, { from: 'early', to: 'early_to', maxRows: 30 });
    const claim = await again.claim();
    const offset = decodeOffset(claim.offset ?? '');
    assert.deepEqual(offset, first.offset);
    await again.pass(offset);
    await equal('early', 'early_to');
    assert.equal((await commitRow('early_to'))[0]?.[2], '200');
    await Promise.all([flow.close(), again.close()]);
  });
});

describe('onError', () => {
  const checked = ", CHECK (body <> 'row 13' AND body <> 'row 77')";
  for (const rowFormat of ['best', 'values'] as const) {
    test(`Skip leaves out the rows that cannot be kept, and no other, by ${rowFormat}`, async () => {
      const [from, to] = [`bad_${rowFormat}`, `bad_${rowFormat}_to`];
      await fill(from, 100);
      await database.run(`CREATE TABLE ${to} (id bigint PRIMARY KEY, body text NOT NULL ${checked})`);
      const flow = await openFlow(database, { from, to, onError: 'Skip', rowFormat, maxRows: 60 });
      await flow.claim();
      await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
      const rejected: string[] = [];
      const names: (string | undefined)[] = [];
      for await (const batch of flow.source.read(
        { ...flow.request, after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false } },
        signal,
      )) {
        const result = await flow.destination.write(batch, signal);
        rejected.push(...result.rejections.map((each) => each.message));
        names.push(...result.rejections.map((each) => each.row));
        assert.equal(result.rejected, 1);
      }
      assert.deepEqual(await database.run(`SELECT count(*) FROM ${to}`), [['98']]);
      assert.deepEqual(names, ['id 13', 'id 77']);
      assert.equal(rejected.length, 2);
      assert.ok(
        rejected.every((message) => /check constraint/.test(message) && !/row 13|row 77/.test(message)),
      );
      await flow.close();
    });
  }

  test('Stop writes nothing of the batch, names the row by its key and what is to blame, and no other data', async () => {
    await fill('stop_from', 20);
    await database.run(
      "CREATE TABLE stop_to (id bigint PRIMARY KEY, body text NOT NULL CHECK (body <> 'row 13'))",
    );
    const flow = await openFlow(database, { from: 'stop_from', to: 'stop_to' });
    await flow.claim();
    await assert.rejects(flow.pass(), (error: IdraError) => {
      assert.deepEqual([error.code, error.disposition], ['ConstraintViolated', 'permanent']);
      assert.match(error.message, /public\.stop_to does not keep a row: row id 13: .*stop_to_body_check/);
      assert.doesNotMatch(error.message, /row 13/);
      return true;
    });
    assert.deepEqual(await database.run('SELECT count(*) FROM stop_to'), [['0']]);
    assert.equal((await commitRow('stop_to'))[0]?.[1], null);
    await flow.close();
  });
});

describe('the fence', () => {
  async function twoOwners(name: string) {
    await fill(`${name}_from`, 40);
    const open = () =>
      openFlow(database, {
        from: `${name}_from`,
        to: `${name}_to`,
        mode: 'Id',
        idField: 'id',
        writeMode: 'Append',
        maxRows: 10,
      });
    const old = await open();
    await old.claim({ token: 5n });
    const batches: Batch[] = [];
    for await (const batch of old.source.read(old.request, signal)) batches.push(batch);
    return { old, open, batches };
  }

  test('a lower token can neither write nor claim, and a write of no token is lost', async () => {
    const { old, open, batches } = await twoOwners('fence');
    assert.equal((await old.destination.write(batches[0] as Batch, signal)).totalRows, 10);
    const next = await open();
    // As a claimant that may not end the session of the owner before.
    await database.run('UPDATE _idra_commits SET session = NULL WHERE "table" = \'fence_to\'');
    const claim = await next.claim({ token: 6n });
    assert.equal(claim.rows, 10);
    await assert.rejects(old.destination.write(batches[1] as Batch, signal), isFenced);
    await assert.rejects(old.destination.endPass(null, signal), isFenced);
    await assert.rejects((await open()).claim({ token: 5n }), isFenced);
    await assert.rejects(
      old.destination.setOffset(
        { uid: old.plan.uid, expected: claim.offset, offset: null, token: 5n },
        signal,
      ),
      isFenced,
    );
    await assert.rejects(old.destination.closeRows(old.plan.uid, 5n, signal), isFenced);
    await next.pass(decodeOffset(claim.offset ?? ''));
    await equal('fence_from', 'fence_to');
    assert.deepEqual((await commitRow('fence_to'))[0]?.[2], '40');
    await Promise.all([old.close(), next.close()]);
  });

  test('a session that its owner has given up commits nothing, though it could not be ended', async () => {
    const { old, open, batches } = await twoOwners('given_up');
    const again = await open();
    await database.run('UPDATE _idra_commits SET session = NULL WHERE "table" = \'given_up_to\'');
    await again.claim({ token: 5n });
    await assert.rejects(old.destination.write(batches[0] as Batch, signal), isFenced);
    await again.pass();
    await equal('given_up_from', 'given_up_to');
    await Promise.all([old.close(), again.close()]);
  });

  test('an owner that stands still before its commit is ended by the claimant, and its rows are not there', async () => {
    const { old, open, batches } = await twoOwners('zombie');
    let wake = () => {};
    const reached = new Promise<void>((resolve) => {
      installCrashHook((point) => {
        if (point !== 'commit:before') return;
        resolve();
        installCrashHook(undefined);
        return new Promise<void>((go) => {
          wake = go;
        });
      });
    });
    const writing = old.destination.write(batches[0] as Batch, signal);
    writing.catch(() => {});
    await reached;
    const holder =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idra-writer' AND state = 'idle in transaction'";
    assert.deepEqual(await database.query(holder), [{ count: '1' }]);
    const next = await open();
    await next.claim({ token: 6n });
    assert.deepEqual(await database.query(holder), [{ count: '0' }]);
    wake();
    await assert.rejects(writing, (error: IdraError) => error.disposition === 'transient' || isFenced(error));
    assert.deepEqual(await database.run('SELECT count(*) FROM zombie_to'), [['0']]);
    await next.pass();
    await equal('zombie_from', 'zombie_to');
    await Promise.all([old.close(), next.close()]);
  });

  test('an owner that wakes with an older token makes no shadow of its own', async () => {
    await fill('shadow_from', 10);
    const open = () => openFlow(database, { from: 'shadow_from', to: 'shadow_to', writeMode: 'Replace' });
    const old = await open();
    await old.claim({ token: 1n });
    await database.run('UPDATE _idra_commits SET session = NULL WHERE "table" = \'shadow_to\'');
    const next = await open();
    await next.claim({ token: 2n });
    await assert.rejects(
      old.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal),
      isFenced,
    );
    await Promise.all([old.close(), next.close()]);
  });
});

describe('claims', () => {
  test('restart, adoption of another uid, closing and setting by hand', async () => {
    await fill('adopt_from', 10);
    const options = { from: 'adopt_from', to: 'adopt_to', mode: 'Id', idField: 'id' } as const;
    const one = await openFlow(database, { ...options, uid: 'one' });
    await one.claim({ token: 3n });
    await one.pass();
    const two = await openFlow(database, { ...options, uid: 'two' });
    const adopted = await two.claim({ adoptFrom: 'one', token: 4n });
    assert.deepEqual([adopted.offset, adopted.rows], ['{"mode":"Id","id":"10"}', 10]);
    const rows = await two.destination.commitRows('two', signal);
    assert.deepEqual(rows.map((row) => [row.uid, row.isClosed, row.token]).sort(), [
      ['one', true, 4n],
      ['two', false, 4n],
    ]);
    const change = { uid: 'two', expected: adopted.offset, offset: '{"mode":"Id","id":"5"}', token: 4n };
    assert.equal((await two.destination.setOffset(change, signal)).offset, change.offset);
    await assert.rejects(two.destination.setOffset(change, signal), { code: 'OffsetMoved' });
    const restarted = await two.claim({ token: 5n, offset: 'restart' });
    assert.deepEqual([restarted.offset, restarted.rows], [null, 0]);
    await two.destination.closeRows('two', 5n, signal);
    const [closed] = (await two.destination.commitRows('two', signal)).filter((row) => row.uid === 'two');
    assert.equal(closed?.isClosed, true);
    const anew = await two.claim({ token: 6n });
    assert.deepEqual([anew.offset, anew.isClosed], [null, false]);
    await Promise.all([one.close(), two.close()]);
  });

  test('LastDestination keeps token and rows, and no offset', async () => {
    await fill('last_from', 5);
    const flow = await openFlow(database, { from: 'last_from', to: 'last_to', mode: 'Id', idField: 'id' });
    await flow.claim({ keepsOffset: false });
    assert.equal(await flow.destination.largest(['id'], signal), null);
    await flow.pass();
    assert.deepEqual(await flow.destination.largest(['id'], signal), [5n]);
    assert.deepEqual((await commitRow('last_to'))[0]?.slice(1), [null, '5']);
    await flow.close();
  });

  test('columns that are missing are added', async () => {
    await database.run(
      "CREATE TABLE add_from (id int PRIMARY KEY, a text, b numeric(5,1)); INSERT INTO add_from VALUES (1, 'x', 2.5); CREATE TABLE add_to (id int PRIMARY KEY, a text)",
    );
    const flow = await openFlow(database, { from: 'add_from', to: 'add_to' });
    await flow.claim();
    await flow.pass();
    await equal('add_from', 'add_to');
    assert.ok(
      flow.destination
        .statements(flow.plan)
        .some((sql) => sql === 'ALTER TABLE "public"."add_to" ADD COLUMN "b" numeric(5,1)'),
    );
    await flow.close();
  });
});
