import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Connection } from 'mysql2';
import { onEachServer } from '../test-harness.ts';
import { statements } from './statements.ts';

onEachServer((database) => {
  test('a refused LOAD DATA leaves no listeners on the connection, which would keep its rows in memory', async () => {
    await database.run('CREATE TABLE refusing (id BIGINT PRIMARY KEY, CHECK (id < 5))');
    const { connection } = (await database.client()) as unknown as {
      connection: Connection & { stream: Socket };
    };
    const listeners = () => ['pause', 'drain'].map((event) => connection.stream.listenerCount(event));
    const before = listeners();
    const load = (row: string) =>
      statements(connection, "LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE refusing (id)", [
        Buffer.from(row),
      ]);
    await load('3\n');
    assert.deepEqual(listeners(), before);
    await assert.rejects(load('7\n'), /constraint/i);
    assert.deepEqual(listeners(), before);
  });
});
