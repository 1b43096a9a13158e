import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Decimal128, Long } from 'mongodb';
import { extendedJson, sqlSystems, TestSystems } from './systems.ts';
import { tempFolder } from './temp.ts';

describe('systems of tests', () => {
  let systems: TestSystems;

  before(async () => {
    systems = new TestSystems(await tempFolder('systems'));
  });
  after(() => systems?.stop());

  for (const system of sqlSystems) {
    test(`${system}: values are text with all their digits`, async () => {
      const database = await systems.createDatabase(system);
      assert.equal(database.system, system);
      const name = database.quote('a table');
      const bytes = { postgres: 'bytea', sqlite: 'BLOB' }[system as string] ?? 'varbinary(4)';
      const hex = { postgres: "'\\x00ff'", sqlserver: '0x00ff' }[system as string] ?? "x'00ff'";
      await database.execute(
        `CREATE TABLE ${name} (id bigint PRIMARY KEY, body ${bytes})`,
        `INSERT INTO ${name} VALUES (9223372036854775807, ${hex})`,
        `INSERT INTO ${name} VALUES (1, NULL)`,
      );
      const body = system === 'postgres' ? "encode(body, 'hex')" : 'body';
      assert.deepEqual(await database.rows(`SELECT id, ${body} FROM ${name} ORDER BY id`), [
        ['1', null],
        ['9223372036854775807', '00ff'],
      ]);
    });

    test(`${system}: a failed statement does not fail the next one`, async () => {
      const database = await systems.createDatabase(system);
      await assert.rejects(database.execute('SELECT * FROM missing_table'));
      assert.deepEqual(await database.rows("SELECT 'next'"), [['next']]);
    });
  }

  for (const kind of ['WithTransactions', 'InMemory', 'Any'] as const) {
    test(`mongodb (${kind}): documents keep the type of every value`, async () => {
      const collections = await systems.createCollections(kind);
      const document = {
        _id: Long.fromString('9223372036854775807'),
        total: Decimal128.fromString('1234567890123456789012345678901.230'),
        nested: { z: 1, a: [null, 1.5] },
      };
      await collections.collection('things').insertOne(document);
      assert.deepEqual(await collections.documents('things'), [extendedJson(document)]);
      if (kind !== 'Any') assert.equal(collections.hasTransactions, kind === 'WithTransactions');
    });
  }
});
