import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { IdraError } from '../../../core/errors.ts';
import { type FaultProxy, faultProxy } from '../../../e2e/kit/proxy.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { accessOf, servers } from '../test-harness.ts';

const signal = new AbortController().signal;

for (const [name, start] of servers) {
  describe(name, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let proxy: FaultProxy;
    let access: ReturnType<typeof accessOf>;
    let user: string;
    before(async () => {
      server = await start();
      const database = await server.createDatabase();
      user = database.user;
      proxy = await faultProxy(database.host, database.port);
      access = accessOf({ ...database, port: proxy.port }, { parameters: { connect_timeout: '2' } });
    });
    after(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    const sessions = async () =>
      (await server.query('SHOW PROCESSLIST')).filter((row) => row.User === user).length;

    test('a server that stops responding at any step of the opening causes a transient error', async () => {
      // The greeting, the answer to the login, and the answers to the statements that set the session up.
      for (const answers of [0, 1, 2, 3]) {
        let seen = 0;
        proxy.onServerData(() => (seen++ >= answers ? 'drop' : undefined));
        await assert.rejects(
          Session.open(access, 'reader', signal),
          (thrown) => thrown instanceof IdraError && thrown.disposition === 'transient',
          `after ${answers} answers`,
        );
        proxy.heal();
      }
      await until(async () => (await sessions()) === 0, { what: 'no session to be left' });
    });

    test('a signal ends the opening at any step, with its reason', async () => {
      for (const answers of [0, 1, 2, 3]) {
        const stop = new AbortController();
        const reason = new Error('stopped');
        let seen = 0;
        proxy.onServerData(() => {
          if (seen++ < answers) return undefined;
          setImmediate(() => stop.abort(reason));
          return 'drop';
        });
        await assert.rejects(Session.open(access, 'reader', stop.signal), (thrown) => thrown === reason);
        proxy.heal();
      }
    });

    test('a session that is opened during a close is closed as well', async () => {
      const source = await connector.openSource(access, { table: 'is_not_there' }, signal);
      await source.rest();
      const describing = source.describe(signal).catch(() => {});
      await source.close();
      await describing;
      await assert.rejects(source.describe(signal), { code: 'Closed' });
      const options = { table: 'is_not_there', existingRows: 'Keep' } as const;
      const destination = await connector.openDestination(access, options, signal);
      await destination.rest();
      const opening = destination.describe(signal);
      await destination.close();
      await assert.rejects(opening, { code: 'Closed' });
      await assert.rejects(
        connector.openSource(access, { table: 'is_not_there' }, signal).then(async (each) => {
          try {
            await each.describe(signal);
          } finally {
            await each.close();
          }
        }),
        { code: 'TableNotFound' },
      );
      await until(async () => (await sessions()) === 0, { what: 'no session to be left' });
    });
  });
}
