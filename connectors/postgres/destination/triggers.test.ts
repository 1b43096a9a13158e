import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import type { SystemAccess } from '../../../core/connector.ts';
import type { IdraError } from '../../../core/errors.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
  await database.run(`CREATE FUNCTION odd_only() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF new.id % 2 = 0 THEN RETURN NULL; END IF; RETURN new; END $$;
    CREATE TABLE ids (id int PRIMARY KEY, body text); INSERT INTO ids SELECT i, 'b' || i FROM generate_series(1, 9) i`);
});
after(() => database.stop());

async function target(name: string, trigger: string): Promise<void> {
  await database.run(`CREATE TABLE ${name} (id int PRIMARY KEY, body text);
    CREATE TRIGGER t BEFORE INSERT OR UPDATE ON ${name} FOR EACH ROW EXECUTE FUNCTION ${trigger}()`);
}

test('a row that a trigger drops is a refused row, whichever way it is written', async () => {
  await target('odd', 'odd_only');
  for (const writeMode of ['Append', 'Upsert'] as const) {
    for (const rowFormat of ['best', 'values'] as const) {
      for (const rowsThere of [0, 9]) {
        const options = { from: 'ids', to: 'odd', writeMode, rowFormat } as const;
        await database.run('TRUNCATE odd');
        if (rowsThere > 0 && writeMode === 'Upsert')
          await database.run(
            "ALTER TABLE odd DISABLE TRIGGER t; INSERT INTO odd SELECT id, 'old' FROM ids; ALTER TABLE odd ENABLE TRIGGER t",
          );
        const uid = `${writeMode}-${rowFormat}-${rowsThere}`;
        const stops = await openFlow(database, { ...options, uid: `${uid}-stops` });
        await stops.claim();
        await assert.rejects(stops.pass(), (error: IdraError) => {
          assert.equal(error.code, 'ConstraintViolated');
          assert.match(error.message, /row id 2: a trigger of the table skips the row/);
          return true;
        });
        await stops.close();
        const skips = await openFlow(database, { ...options, onError: 'Skip', uid });
        const findings = await skips.destination.check(writeMode, signal);
        assert.ok(findings.some((each) => each.code === 'TriggersMayChange'));
        await skips.claim();
        await skips.pass();
        await skips.close();
        const rows = await database.run("SELECT count(*) FROM odd WHERE body <> 'old'");
        assert.deepEqual(rows, [['5']], uid);
      }
    }
  }
});

test('a trigger that drops updates which change nothing is accepted', async () => {
  await target('quiet', 'odd_only');
  await database.run(`DROP TRIGGER t ON quiet; INSERT INTO quiet SELECT * FROM ids WHERE id < 6;
    CREATE TRIGGER z BEFORE UPDATE ON quiet FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`);
  const flow = await openFlow(database, { from: 'ids', to: 'quiet' });
  assert.deepEqual(await flow.destination.check('Upsert', signal), []);
  await flow.claim();
  await flow.pass();
  await flow.close();
  assert.deepEqual(
    await database.run('SELECT * FROM quiet ORDER BY id'),
    await database.run('SELECT * FROM ids ORDER BY id'),
  );
});

test('a trigger may pass rows on to child tables', async () => {
  await database.run(`CREATE TABLE parent (id int, body text); CREATE TABLE child () INHERITS (parent);
    CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.child VALUES (new.*); RETURN NULL; END $$;
    CREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION pass_on()`);
  const flow = await openFlow(database, { from: 'ids', to: 'parent', writeMode: 'Append' });
  await flow.claim();
  await flow.pass();
  await flow.close();
  assert.deepEqual(await database.run('SELECT count(*) FROM parent'), [['9']]);
});

test('a trigger that names no schema finds its tables by its own path, or only by parameters.search_path', async () => {
  await database.run(`CREATE TABLE audited (id int PRIMARY KEY, body text); CREATE TABLE audit (id int, late boolean);
    CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (new.id, tg_argv[0]::boolean); RETURN new; END $$;
    CREATE TRIGGER a BEFORE INSERT OR UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION audit_row(false);
    CREATE CONSTRAINT TRIGGER b AFTER INSERT OR UPDATE ON audited DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_row(true)`);
  const trusted = {
    ...database.access,
    config: { ...database.access.config, parameters: { search_path: 'public' } },
  };
  const pass = async (access: SystemAccess, writeMode: 'Append' | 'Upsert') => {
    await database.run('TRUNCATE audited, audit');
    const flow = await openFlow({ ...database, access }, { from: 'ids', to: 'audited', writeMode });
    try {
      await flow.claim();
      await flow.pass();
      if (writeMode === 'Upsert') await flow.pass();
    } finally {
      await flow.close();
    }
    const expected = writeMode === 'Upsert' ? '18' : '9';
    const counts =
      'SELECT (SELECT count(*) FROM audit WHERE late), (SELECT count(*) FROM audit WHERE NOT late)';
    const [[late, atOnce] = []] = await database.run(counts);
    assert.equal(late, expected);
    // The trigger also receives rows that the server tried to insert before it found an existing row.
    assert.ok(Number(atOnce) >= Number(expected));
  };
  for (const writeMode of ['Append', 'Upsert'] as const) {
    await assert.rejects(pass(database.access, writeMode), {
      code: 'NameInFunctionNotFound',
      message: /relation "audit" does not exist/,
    });
    await pass(trusted, writeMode);
  }
  await database.run('ALTER FUNCTION audit_row SET search_path = public');
  for (const writeMode of ['Append', 'Upsert'] as const) await pass(database.access, writeMode);
});

test('a deferred constraint refuses the row, and not the COMMIT', async () => {
  await database.run(`CREATE TABLE whole (id int PRIMARY KEY); INSERT INTO whole SELECT id FROM ids WHERE id <> 4;
    CREATE TABLE deferred (id int PRIMARY KEY REFERENCES whole DEFERRABLE INITIALLY DEFERRED, body text)`);
  for (const [index, rowFormat] of (['best', 'values'] as const).entries()) {
    for (const writeMode of ['Append', 'Upsert'] as const) {
      await database.run('TRUNCATE deferred');
      const options = { from: 'ids', to: 'deferred', rowFormat, writeMode, maxRows: 5 } as const;
      const stops = await openFlow(database, { ...options, uid: `stops-${writeMode}-${index}` });
      await stops.claim();
      await assert.rejects(stops.pass(), (error: IdraError) => {
        assert.equal(error.code, 'ConstraintViolated');
        assert.match(error.message, /row id 4: .*deferred_id_fkey/);
        return true;
      });
      await stops.close();
      const skips = await openFlow(database, {
        ...options,
        onError: 'Skip',
        uid: `skips-${writeMode}-${index}`,
      });
      await skips.claim();
      await skips.pass();
      await skips.close();
      assert.deepEqual(
        await database.run('SELECT id FROM deferred ORDER BY id'),
        await database.run('SELECT id FROM whole ORDER BY id'),
      );
    }
  }
});

test('a deletion that a trigger drops is refused, or left out and counted', async () => {
  await database.run(`CREATE FUNCTION keep_even() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF old.id % 2 = 0 THEN RETURN NULL; END IF; RETURN old; END $$;
    CREATE TABLE kept (id int PRIMARY KEY, body text); INSERT INTO kept SELECT * FROM ids WHERE id < 6;
    CREATE TRIGGER t BEFORE DELETE ON kept FOR EACH ROW EXECUTE FUNCTION keep_even()`);
  const batch: Batch = {
    rows: { format: 'values', rows: [1, 2, 3, 99].map((id) => [id, null]), deletions: [0, 1, 2, 3] },
    rowCount: 4,
    byteCount: 10,
    offset: { mode: 'Stream', token: '1' },
  };
  for (const [onError, left] of [
    ['Stop', '1,2,3,4,5'],
    ['Skip', '2,4,5'],
  ] as const) {
    const flow = await openFlow(database, { from: 'ids', to: 'kept', deletes: 'Hard', onError });
    await flow.claim();
    if (onError === 'Stop')
      await assert.rejects(flow.write(batch), { code: 'ConstraintViolated', message: /row id 2: a trigger/ });
    else {
      const { deleted, rejected } = await flow.write(batch);
      assert.deepEqual([deleted, rejected], [2, 1]);
    }
    await flow.close();
    assert.deepEqual(await database.run("SELECT string_agg(id::text, ',' ORDER BY id) FROM kept"), [[left]]);
  }
});
