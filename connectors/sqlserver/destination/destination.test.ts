import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { IdraError } from '../../../core/errors.ts';
import { until } from '../../../e2e/kit/wait.ts';
import type { Flow } from '../../sql/test-flow.ts';
import { onServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onServer((database) => {
  const run = (sql: string) => database.run(sql);

  test('values of an identity column are written, and its rows are updated by key', async () => {
    await database.fill('dbo.numbered_from', 3);
    await run('CREATE TABLE dbo.numbered_to (id bigint IDENTITY PRIMARY KEY, body nvarchar(40))');
    await run("INSERT INTO dbo.numbered_to (body) VALUES ('old')");
    const flow = await database.flow({ from: 'dbo.numbered_from', to: 'dbo.numbered_to' });
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await run('SELECT id, body FROM dbo.numbered_to ORDER BY id'), [
      ['1', 'row 1'],
      ['2', 'row 2'],
      ['3', 'row 3'],
    ]);
    // The session does not go on inserting into identity columns.
    await run("INSERT INTO dbo.numbered_to (body) VALUES ('own')");
    assert.deepEqual(await run("SELECT COUNT(*) FROM dbo.numbered_to WHERE body = 'own'"), [['1']]);
  });

  test('computed columns, row versions and columns with defaults are filled by the table', async () => {
    await database.fill('dbo.filled_from', 2);
    await run(`CREATE TABLE dbo.filled_to (id bigint PRIMARY KEY, body nvarchar(40), twice AS id * 2, version rowversion,
      made int NOT NULL DEFAULT 7)`);
    const flow = await database.flow({ from: 'dbo.filled_from', to: 'dbo.filled_to' });
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await run('SELECT id, twice, made FROM dbo.filled_to ORDER BY id'), [
      ['1', '2', '7'],
      ['2', '4', '7'],
    ]);
  });

  test('rows keep their NULL where the table has a default, and fire its triggers', async () => {
    await run(`CREATE TABLE dbo.loaded_from (id bigint PRIMARY KEY, body nvarchar(40));
      INSERT INTO dbo.loaded_from VALUES (1, NULL), (2, 'b');
      CREATE TABLE dbo.loaded_log (id bigint);
      CREATE TABLE dbo.loaded_to (id bigint PRIMARY KEY, body nvarchar(40) NULL DEFAULT 'filled', made int NOT NULL DEFAULT 7)`);
    await run(
      'CREATE TRIGGER dbo.logs ON dbo.loaded_to AFTER INSERT AS BEGIN SET NOCOUNT ON; INSERT INTO dbo.loaded_log SELECT id FROM inserted END',
    );
    const flow = await database.flow({ from: 'dbo.loaded_from', to: 'dbo.loaded_to', writeMode: 'Append' });
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await run('SELECT id, body, made FROM dbo.loaded_to ORDER BY id'), [
      ['1', null, '7'],
      ['2', 'b', '7'],
    ]);
    assert.deepEqual(await run('SELECT id FROM dbo.loaded_log ORDER BY id'), [['1'], ['2']]);
  });

  test('a batch with a row that the table refuses loses only this row, and the next batch loses none', async () => {
    await database.fill('dbo.strict_from', 6);
    await run(
      "CREATE TABLE dbo.strict_to (id bigint PRIMARY KEY, body nvarchar(40) CONSTRAINT not_two CHECK (body <> 'row 2'))",
    );
    const flow = await database.flow({
      from: 'dbo.strict_from',
      to: 'dbo.strict_to',
      writeMode: 'Append',
      onError: 'Skip',
      maxRows: 3,
    });
    await flow.claim();
    await flow.begin();
    const results = [];
    for (const batch of await flow.batches()) results.push(await flow.write(batch));
    assert.deepEqual(
      results.map(({ written, rejections, totalRows }) => [
        written,
        rejections.map(({ row }) => row),
        totalRows,
      ]),
      [
        [2, ['id 2'], 2],
        [3, [], 5],
      ],
    );
    assert.deepEqual(await run('SELECT COUNT(*) FROM dbo.strict_to'), [['5']]);
  });

  test('a table with an INSTEAD OF trigger is refused: the trigger may leave out rows, and nothing reports it', async () => {
    await database.fill('dbo.led_from', 2);
    await run('CREATE TABLE dbo.led_to (id bigint PRIMARY KEY, body nvarchar(40))');
    const flow = await database.flow({ from: 'dbo.led_from', to: 'dbo.led_to' });
    await flow.claim();
    await run(
      'CREATE TRIGGER leaves_out ON dbo.led_to INSTEAD OF INSERT AS BEGIN INSERT INTO dbo.led_to SELECT id, body FROM inserted WHERE id > 1 END',
    );
    await assert.rejects(flow.pass(), { code: 'SchemaChanged', disposition: 'transient' });
    assert.deepEqual(await run('SELECT COUNT(*) FROM dbo.led_to'), [['0']]);
    const relation = await flow.destination.describe(signal);
    assert.deepEqual(
      relation?.findings?.map(({ severity, code }) => [severity, code]),
      [['error', 'TriggersMayChange']],
    );
    const planned = await database.flow({ from: 'dbo.led_from', to: 'dbo.led_to' });
    await assert.rejects(planned.claim(), { code: 'TriggersMayChange', disposition: 'permanent' });
  });

  test('a deletion is applied by its key only, and its other columns do not matter', async () => {
    await run(`CREATE TABLE dbo.gone_from (tenant int NOT NULL, code nvarchar(9) COLLATE Latin1_General_100_BIN2 NOT NULL,
      at datetime2(7), PRIMARY KEY (tenant, code)); INSERT INTO dbo.gone_from VALUES (1, 'a', NULL), (1, 'b', NULL), (2, 'a', NULL)`);
    const flow = await database.flow({ from: 'dbo.gone_from', to: 'dbo.gone_to', deletes: 'Hard' });
    await flow.claim();
    await flow.pass();
    const { deleted } = await flow.write(deletions([1, 'b', null], [3, 'a', null]));
    assert.equal(deleted, 1);
    assert.deepEqual(await run('SELECT tenant, code FROM dbo.gone_to ORDER BY tenant, code'), [
      ['1', 'a'],
      ['2', 'a'],
    ]);
  });

  test('a deletion never hits the row of another key that SQL Server treats as equal', async () => {
    await run(`CREATE TABLE dbo.blank_from (code nvarchar(9) COLLATE Latin1_General_100_BIN2 PRIMARY KEY);
      INSERT INTO dbo.blank_from VALUES ('a'), ('b')`);
    const flow = await database.flow(
      { from: 'dbo.blank_from', to: 'dbo.blank_to', deletes: 'Hard' },
      undefined,
      {
        isSameSystem: false,
      },
    );
    await flow.claim();
    await flow.pass();
    await assert.rejects(flow.write(deletions(['a '])), { code: 'ConstraintViolated' });
    assert.deepEqual(await run('SELECT COUNT(*) FROM dbo.blank_to'), [['2']]);
  });

  test('the victim of a deadlock is retried: nothing of its batch is written, and the next attempt is', async () => {
    await database.fill('dbo.dead_from', 2);
    const flow = await database.flow({ from: 'dbo.dead_from', to: 'dbo.dead_to' });
    await flow.claim();
    await flow.pass();
    const failures: IdraError[] = [];
    // The server chooses its victim, so several attempts may be needed.
    for (let attempt = 1; failures.length === 0 && attempt <= 10; attempt++) {
      const failure = await writeIntoDeadlock(flow, `deadlock ${attempt}`);
      if (failure) failures.push(failure);
    }
    assert.deepEqual(
      failures.map(({ code, disposition }) => [code, disposition]),
      [['Deadlock', 'transient']],
    );
    await flow.claim();
    await flow.write(bodies('after'));
    assert.deepEqual(await run('SELECT body FROM dbo.dead_to ORDER BY id'), [['after'], ['after']]);
  });

  /** Another session holds one of the rows and then asks for the other. Returns what the write failed with. */
  async function writeIntoDeadlock(flow: Flow, body: string): Promise<IdraError | undefined> {
    const other = await database.client();
    try {
      await other.query('SET DEADLOCK_PRIORITY HIGH').catch(() => {});
      await other.query("BEGIN TRANSACTION; UPDATE dbo.dead_to SET body = 'other' WHERE id = 2");
      const writing = flow.write(bodies(body)).then(
        () => undefined,
        (error: unknown) => (error instanceof IdraError ? error : assert.fail(String(error))),
      );
      const isBlocked = async () =>
        (await run('SELECT COUNT(*) FROM sys.dm_exec_requests WHERE blocking_session_id <> 0'))[0]?.[0] !==
        '0';
      await until(isBlocked, { what: 'the write to wait' });
      const isVictim = await other.query("UPDATE dbo.dead_to SET body = 'other' WHERE id = 1").then(
        () => false,
        () => true,
      );
      if (!isVictim) await other.query('ROLLBACK TRANSACTION');
      return await writing;
    } finally {
      await other.close();
    }
  }
});

let tokens = 0;

function deletions(...rows: readonly (readonly (number | string | null)[])[]): Batch {
  const offset = { mode: 'Stream', token: `deletions ${++tokens}` } as const;
  return {
    rows: { format: 'values', rows, deletions: rows.map((_, index) => index) },
    rowCount: rows.length,
    byteCount: 10,
    offset,
  };
}

function bodies(body: string): Batch {
  const rows = [1n, 2n].map((id) => [id, body]);
  const offset = { mode: 'Stream', token: `bodies ${++tokens}` } as const;
  return { rows: { format: 'values', rows }, rowCount: 2, byteCount: 10, offset };
}
