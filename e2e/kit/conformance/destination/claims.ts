import assert from 'node:assert/strict';
import { encodeOffset } from '../../../../core/offset.ts';
import { type Case, can, hasLargest, isTransactional, reads, writes } from '../case.ts';
import { numbered, signal, texts } from '../context.ts';

const byId = { mode: 'Id', idField: 'id' } as const;
const needs = [reads('Id'), writes('Upsert'), isTransactional];
const at = (id: number) => encodeOffset({ mode: 'Id', id: String(id) });

/** What a destination stores about a Sync, and who may change it. */
export const claims: readonly Case[] = [
  {
    name: 'claim: the row of another uid is adopted and closed, and a closed one is adopted by nobody',
    needs,
    async run(context) {
      const options = { from: await context.fill(5), to: context.newName(), ...byId };
      const one = await context.claim({ ...options, uid: 'one' });
      await one.pass();
      const two = await context.open({ ...options, uid: 'two' });
      const adopted = await two.claim({ adoptFrom: 'one', token: 50n });
      assert.deepEqual([adopted.token, adopted.rows, adopted.offset], [50n, 5, at(5)]);
      const closed = await context.commitRow(one);
      // The new token, so that the earlier owner is refused whatever happens to the row.
      assert.deepEqual([closed.isClosed, closed.token], [true, 50n]);
      const three = await context.open({ ...options, uid: 'three' });
      const nothing = await three.claim({ adoptFrom: 'one' });
      assert.deepEqual([nothing.offset, nothing.rows], [null, 0]);
    },
  },
  {
    name: 'claim: a restart clears offset and count, but no rows',
    needs,
    async run(context) {
      const options = { from: await context.fill(3), to: context.newName(), ...byId };
      await (await context.claim(options)).pass();
      const flow = await context.open(options);
      const kept = await flow.claim({ fingerprint: 'other' });
      assert.deepEqual([kept.token, kept.offset, kept.rows, kept.fingerprint], [2n, at(3), 3, 'other']);
      const restarted = await flow.claim({ offset: 'restart' });
      assert.deepEqual([restarted.token, restarted.offset, restarted.rows], [3n, null, 0]);
      await context.holds(flow.to, ...texts(1, 2, 3));
    },
  },
  {
    name: 'claim: the row of a deleted Sync is closed, keeps its token, and the next one starts from nothing',
    needs,
    async run(context) {
      const options = { from: await context.fill(3), to: context.newName(), ...byId };
      const flow = await context.claim(options, 5n);
      const [batch] = await flow.batches();
      const { uid } = flow.plan;
      await assert.rejects(flow.destination.closeRows(uid, 4n, signal), { disposition: 'fenced' });
      await flow.destination.closeRows(uid, 6n, signal);
      const { isClosed, token } = await context.commitRow(flow);
      assert.deepEqual([isClosed, token], [true, 6n]);
      await assert.rejects(flow.write(batch), { disposition: 'fenced' });
      const next = await (await context.open(options)).claim({ token: 7n });
      assert.deepEqual([next.offset, next.isClosed], [null, false]);
    },
  },
  {
    name: 'an offset is set manually only from the stored one, and only under the token',
    needs,
    async run(context) {
      const flow = await context.claim({ from: await context.fill(5), ...byId }, 2n);
      await flow.pass();
      const change = { uid: flow.plan.uid, expected: at(5), offset: at(2), token: 2n };
      const set = (more = {}) => flow.destination.setOffset({ ...change, ...more }, signal);
      assert.equal((await set()).offset, at(2));
      await assert.rejects(set(), { code: 'OffsetMoved' });
      await assert.rejects(set({ expected: at(2), token: 1n }), { disposition: 'fenced' });
    },
  },
  {
    name: 'an offset that somebody else has moved is not overwritten',
    needs: [...needs, can('storeOffset')],
    async run(context) {
      const flow = await context.claim({ from: await context.fill(3), maxRows: 1, ...byId });
      const [first, second] = await flow.batches();
      await flow.write(first);
      await context.can.storeOffset(flow.to, at(9));
      const moved = { code: 'OffsetMoved', disposition: 'transient' };
      await assert.rejects(flow.write(second), moved);
      assert.equal((await context.commitRow(flow)).offset, at(9));
      await context.holds(flow.to, ...texts(1));
    },
  },
  {
    name: 'data that a newer version of Idra has stored is left unchanged',
    needs: [...needs, can('storeNewerLayout')],
    async run(context) {
      const flow = await context.claim({ from: await context.fill(2), to: await context.target(), ...byId });
      await context.can.storeNewerLayout(flow.to);
      await assert.rejects(flow.claim(), { code: 'CommitTableNewer' });
    },
  },
  {
    name: 'LastDestination: token and count are stored, but no offset; the largest value is that of the object',
    needs: [...needs, hasLargest],
    async run(context) {
      const flow = await context.open({ from: await context.fill(numbered(9, 10)), ...byId });
      await flow.claim({ keepsOffset: false });
      assert.equal(await flow.destination.largest(['id'], signal), null);
      await flow.pass();
      const { offset, rows } = await context.commitRow(flow);
      assert.deepEqual([offset, rows], [null, 2]);
      const isTen = async () =>
        assert.deepEqual((await flow.destination.largest(['id'], signal))?.map(String), ['10']);
      await isTen();
      // A check for new rows needs no claim.
      await flow.destination.rest();
      await isTen();
    },
  },
  {
    name: 'claim: columns that the object does not have are added',
    needs: [reads('Snapshot'), writes('Upsert'), can('change')],
    async run(context) {
      const from = await context.fill(2);
      const flow = await context.open({ from, to: await context.target({ hasNoBody: true }) });
      assert.match(flow.destination.statements(flow.plan).join(), /\bbody\b/);
      await flow.claim();
      await flow.pass();
      await context.equal(from, flow.to);
    },
  },
  {
    name: 'claim: an object that somebody changes or creates after the plan is not claimed',
    needs: [reads('Snapshot'), writes('Upsert'), can('change')],
    async run(context) {
      const from = await context.fill(2);
      const changed = await context.open({ from, to: await context.target() });
      await context.can.change(context.destination, changed.to, 'a column is added');
      await assert.rejects(changed.claim(), { code: 'SchemaChanged' });
      const made = await context.open({ from });
      await context.destination.create(made.to, { hasNoBody: true });
      await assert.rejects(made.claim(), { code: 'SchemaChanged' });
    },
  },
];
