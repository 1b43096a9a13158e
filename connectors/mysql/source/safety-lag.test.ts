import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connector } from '../connector.ts';
import { accessOf, onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;

// An open transaction or statement on a server holds back all who read there, so the test has its own server.
onEachServer(
  (database) => {
    const run = (sql: string) => database.run(sql);

    test('by id safetyLag is added to the bound of transactions: one that lasts longer still holds its ids back', async () => {
      await run('CREATE TABLE added (id INT PRIMARY KEY, v INT)');
      const late = await database.client();
      await late.query('START TRANSACTION; INSERT INTO added VALUES (1, 1)');
      await run('INSERT INTO added VALUES (2, 2)');
      const flow = await database.flow({
        from: 'added',
        to: 'added_to',
        mode: 'Id',
        idField: 'id',
        writeMode: 'Append',
        safetyLagMs: 100,
      });
      await flow.claim();
      const { end } = await flow.pass();
      assert.deepEqual(await run('SELECT id FROM added_to'), []);
      assert.match(end.bound.heldBackBy?.what ?? '', /transaction/);
      assert.equal(end.isHeldBack, true);
      await late.query('COMMIT');
      for (let passes = 0; passes < 50; passes++) {
        await flow.pass();
        if ((await run('SELECT id FROM added_to')).length > 0) break;
      }
      assert.deepEqual(await run('SELECT id FROM added_to ORDER BY id'), [['1'], ['2']]);
      await flow.close();
    });

    test('rows of a second that is not over are held back even if no transaction is open', async () => {
      await run('CREATE TABLE ahead (id INT PRIMARY KEY, at TIMESTAMP NOT NULL)');
      await run('INSERT INTO ahead VALUES (1, NOW() - INTERVAL 1 DAY), (2, NOW() + INTERVAL 1 DAY)');
      const flow = await database.flow({
        from: 'ahead',
        to: 'ahead_to',
        mode: 'Timestamp',
        timestampField: 'at',
      });
      await flow.claim();
      const { end } = await flow.pass();
      assert.deepEqual(await run('SELECT id FROM ahead_to'), [['1']]);
      assert.deepEqual(
        [end.bound.kind, end.bound.heldBackBy, end.isHeldBack],
        ['transactions', undefined, true],
      );
      await flow.close();
    });

    test('the zone of new sessions is that of the server, and none is guessed from an abbreviation', async () => {
      const access = accessOf(await database.server.createDatabase());
      const zone = async () => {
        const source = await connector.openSource(access, { table: 't' }, signal);
        const found = await source.timeZone(signal);
        await source.close();
        return found;
      };
      assert.match(await zone(), /^(UTC|[+-]\d\d:\d\d|SYSTEM \(\w+\))$/);
      for (const offset of ['+09:00', '-03:30']) {
        await database.server.query(`SET GLOBAL time_zone = '${offset}'`);
        assert.equal(await zone(), offset);
      }
    });
  },
  { own: true },
);
