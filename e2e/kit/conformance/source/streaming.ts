import assert from 'node:assert/strict';
import { type Flow, readAll } from '../../../../connectors/sql/test-flow.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Offset } from '../../../../core/offset.ts';
import { until } from '../../wait.ts';
import { type Case, can, reads, seesDeletes, startsFrom } from '../case.ts';
import { type Context, numbered } from '../context.ts';

const needs = [reads('Stream')];
const deletions = [...needs, seesDeletes('Stream')];

/** The log of a system. The batches of a stream, applied one after the other, have the effect of the changes at the source. */
export const streaming: readonly Case[] = [
  {
    name: 'stream: everything that is there comes first, and changes during it are not lost',
    needs: deletions,
    async run(context) {
      const from = await context.fill(7);
      const flow = await openStream(context, from);
      const reading = flow.read(null);
      const { value: first } = await reading.next();
      assert.ok(first && 'rows' in first);
      await context.source.insert(from, numbered(8, 9));
      await context.source.update(from, 1, 'changed');
      await context.source.update(from, 7, 'changed');
      await context.source.delete(from, 2);
      await context.source.delete(from, 6);
      const batches = [first, ...(await readAll(reading)).batches];
      await follow(context, flow, from, batches);
    },
  },
  {
    name: 'stream: inserts, updates and deletions arrive in their order',
    needs: deletions,
    async run(context) {
      const from = await context.fill(2);
      const flow = await openStream(context, from);
      const batches = [...(await flow.readAll(null)).batches];
      await context.source.insert(from, numbered(3, 3));
      await context.source.update(from, 3, 'a');
      await context.source.delete(from, 3);
      await context.source.insert(from, [{ id: 3, body: 'again' }]);
      await context.source.delete(from, 1);
      await context.source.update(from, 2, 'b');
      await follow(context, flow, from, batches);
    },
  },
  {
    name: 'stream: after any of its tokens another reader continues without losing a change',
    needs: deletions,
    async run(context) {
      const from = await context.fill(5);
      const flow = await openStream(context, from);
      const batches = [...(await flow.readAll(null)).batches];
      for (const id of [6, 7, 8]) {
        await context.source.insert(from, numbered(id, id));
        await context.source.delete(from, id - 5);
      }
      await follow(context, flow, from, batches);
      for (const index of batches.keys()) {
        const other = await openStream(context, from);
        const { batches: rest } = await other.readAll(batches[index]?.offset);
        const rows = foldOf([...batches.slice(0, index + 1), ...rest], flow);
        assert.deepEqual(rows, await context.source.rows(from), `after batch ${index}`);
        await other.close();
      }
    },
  },
  {
    name: 'stream: a reader that ends in the middle is continued after its last batch',
    needs: deletions,
    async run(context) {
      const from = await context.fill(6);
      const batches: Batch[] = [];
      for (let round = 0; round < 4; round++) {
        const flow = await openStream(context, from);
        const reading = flow.read(batches.at(-1)?.offset ?? null);
        const { value, done } = await reading.next();
        if (!done) batches.push(value);
        await context.source.update(from, 1 + round, `round ${round}`);
        await reading.return(undefined as never);
        await flow.close();
      }
      const last = await openStream(context, from);
      await follow(context, last, from, batches);
    },
  },
  {
    name: 'stream: the token of each batch is ahead of all before it, and of none behind it',
    needs,
    async run(context) {
      const from = await context.fill(5);
      const flow = await openStream(context, from);
      const batches = [...(await flow.readAll(null)).batches];
      for (const id of [6, 7]) {
        await context.source.insert(from, numbered(id, id));
        await until(
          async () => {
            const { batches: more } = await flow.readAll(batches.at(-1)?.offset);
            batches.push(...more);
            return more.length > 0;
          },
          { what: `the change of row ${id}` },
        );
      }
      const tokens = batches.map(({ offset }) => tokenOf(offset));
      assert.ok(tokens.length > 3);
      for (const [index, token] of tokens.entries())
        for (const [at, other] of tokens.entries())
          assert.equal(flow.source.isAhead?.(token, other), at > index, `${token} and ${other}`);
    },
  },
  {
    name: 'stream: a pass without changes has no rows',
    needs,
    async run(context) {
      const flow = await openStream(context, await context.fill(2));
      const { batches } = await flow.readAll(null);
      const { batches: more, end } = await flow.readAll(batches.at(-1)?.offset);
      assert.deepEqual([more.flatMap((batch) => rowsOf(batch)), end.isHeldBack], [[], false]);
    },
  },
  {
    name: 'stream: changes that the system no longer has stop it',
    needs: [...needs, can('loseHistory')],
    async run(context) {
      const from = await context.fill(2);
      const flow = await openStream(context, from);
      const { batches } = await flow.readAll(null);
      await context.source.update(from, 1, 'changed');
      await context.can.loseHistory(from);
      const other = await openStream(context, from);
      await assert.rejects(other.readAll(batches.at(-1)?.offset), {
        code: 'StreamHistoryLost',
        disposition: 'permanent',
      });
    },
  },
  {
    name: 'stream: startFrom Now reads only what changes after its first pass',
    needs: [...needs, startsFrom('Now')],
    async run(context) {
      const from = await context.fill(3);
      const flow = await openStream(context, from, 'Now');
      const { batches } = await flow.readAll(null);
      assert.deepEqual(
        batches.flatMap((batch) => rowsOf(batch)),
        [],
      );
      const last = batches.at(-1) ?? assert.fail('the position is stored with a batch');
      await context.source.insert(from, numbered(4, 4));
      const seen = async () => (await flow.readAll(last.offset)).batches;
      await until(async () => foldOf(await seen(), flow).join() === '4 row 4', { what: 'the change' });
    },
  },
];

async function openStream(context: Context, from: string, startFrom?: string): Promise<Flow> {
  return await context.open({
    ...{ from, mode: 'Stream', deletes: 'Hard', maxRows: 2, rowFormat: 'values' },
    ...(startFrom !== undefined && { startFrom }),
  });
}

/** Reads on until the batches together have the rows of the source. Logs may be a little behind. */
async function follow(context: Context, flow: Flow, from: string, batches: Batch[]): Promise<void> {
  let [found, expected]: [readonly string[], readonly string[]] = [[], []];
  const hasAll = async () => {
    batches.push(...(await flow.readAll(batches.at(-1)?.offset ?? null)).batches);
    [found, expected] = [foldOf(batches, flow), await context.source.rows(from)];
    return found.join('\n') === expected.join('\n');
  };
  await until(hasAll, { what: 'the rows of the source' }).catch(() => assert.deepEqual(found, expected));
}

/** `id body` of the rows that remain, as TestEnd.rows returns them. */
function foldOf(batches: readonly Batch[], { request }: Flow): readonly string[] {
  const names = [request.relation.keys[0]?.columns[0], 'body'];
  const [id, body] = names.map((name) => request.columns.findIndex(({ column }) => column.name === name));
  const rows = new Map<string, string>();
  for (const batch of batches) {
    const deleted = new Set('rows' in batch.rows ? batch.rows.deletions : []);
    for (const [index, row] of rowsOf(batch).entries()) {
      const key = String(row[id ?? -1]);
      if (deleted.has(index)) rows.delete(key);
      else rows.set(key, `${key} ${row[body ?? -1] ?? ''}`);
    }
  }
  return [...rows.values()].toSorted(new Intl.Collator('en', { numeric: true }).compare);
}

function rowsOf({ rows }: Batch) {
  return 'rows' in rows ? [...rows.rows] : assert.fail('values were asked for');
}

function tokenOf(offset: Offset): string {
  return offset.mode === 'Stream' ? offset.token : assert.fail('a stream has tokens');
}
