import assert from 'node:assert/strict';
import { until } from '../wait.ts';
import { type Case, can, reads, writes } from './case.ts';
import { withDeadline } from './context.ts';

/** Everything stops when asked to, and nothing stays open. */
export const stopping: readonly Case[] = [
  {
    name: 'stop: every waiting call rejects with the reason of a signal that has fired',
    needs: [reads('Snapshot'), writes('Upsert')],
    async run(context) {
      const from = await context.fill(2);
      const flow = await context.claim({ from });
      const [batch] = await flow.batches();
      const reason = new Error('stopped');
      const fired = AbortSignal.abort(reason);
      const { source, destination, request } = flow;
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        check: () => context.connector.check(context.source.access, fired),
        discover: () => context.connector.discover(context.source.access, fired),
        'source.describe': () => source.describe(fired),
        'source.read': () => source.read({ ...request, after: batch?.offset ?? null }, fired).next(),
        'destination.describe': () => destination.describe(fired),
        'destination.hasRows': () => destination.hasRows(fired),
        'destination.write': () => destination.write(batch ?? assert.fail('no batch'), fired),
      };
      for (const [what, call] of Object.entries(calls))
        await withDeadline(assert.rejects(call, reason, what), what);
    },
  },
  {
    name: 'stop: a long read ends with the reason, and also at the system',
    needs: [reads('Snapshot'), can('slowQuery')],
    async run(context) {
      const { text: query, isRunning } = context.can.slowQuery;
      const flow = await context.open({ query, sourceKey: ['id'] });
      const stop = new AbortController();
      const after = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
      const reading = flow.source.read({ ...flow.request, after }, stop.signal).next();
      reading.catch(() => {});
      await until(isRunning, { what: 'the statement to run' });
      const reason = new Error('stopped');
      stop.abort(reason);
      await withDeadline(assert.rejects(reading, reason), 'the read');
      await until(async () => !(await isRunning()), { what: 'the statement to be gone' });
    },
  },
  {
    name: 'stop: nothing stays open after passes, rests, and failed openings',
    needs: [reads('Snapshot'), writes('Upsert'), can('countSessions')],
    async run(context) {
      const isAlone = async () => (await context.can.countSessions()) === 0;
      await until(isAlone, { what: 'what other cases have opened to be closed' });
      const options = { from: await context.fill(3), to: await context.target(), maxRows: 1 };
      const flow = await context.claim(options);
      const left = flow.read();
      await left.next();
      assert.ok((await context.can.countSessions()) > 0);
      await left.return(undefined as never);
      await flow.pass();
      await flow.source.rest();
      await flow.destination.rest();
      await flow.claim();
      await flow.readAll();
      await flow.close();
      await assert.rejects(context.open({ from: 'missing' }), { code: 'TableNotFound' });
      await until(isAlone, { what: 'all to be closed' });
    },
  },
];
