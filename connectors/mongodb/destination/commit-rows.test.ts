import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ClientSession } from 'mongodb';
import type { ClaimRequest } from '../../../core/connector.ts';
import { mongodbMemory } from '../../../e2e/kit/servers.ts';
import type { Flow } from '../../sql/test-flow.ts';
import { writerName } from '../connection/open.ts';
import { Session } from '../session.ts';
import { signal, TestDatabase } from '../test-harness.ts';
import { CommitRows, type StoredCommit } from './commit-rows.ts';

/** The checks that need no transaction: on a replica set they run within one. */
const columns = [
  { name: 'no', path: '_id', type: 'int64', nullable: false },
  { name: 'body', path: 'body', type: 'text', nullable: true },
];
let database: TestDatabase;
before(async () => {
  database = await TestDatabase.create(mongodbMemory);
  await database.collection('logs').insertMany([
    { _id: 1, body: 'same' },
    { _id: 2, body: 'same' },
    { _id: 3, body: 'same' },
  ]);
});
after(() => database?.stop());

const count = (collection: string) => database.collection(collection).countDocuments();
const commits = () => database.collection('_idra_commits');

/** Two owners of one Sync: the second has claimed after the first. */
async function takenOver(to: string, writeMode: 'Upsert' | 'Replace'): Promise<readonly [Flow, Flow]> {
  const open = () => database.flow({ from: 'logs', to, columns, writeMode, rowFormat: 'values' });
  const first = await open();
  await first.claim();
  const second = await open();
  await second.claim();
  return [first, second];
}

describe('an owner after whom another one has claimed', () => {
  test('writes no row', async () => {
    const [first, second] = await takenOver('taken', 'Upsert');
    const [batch] = await first.batches();
    await assert.rejects(first.write(batch), { code: 'Fenced', disposition: 'fenced' });
    assert.equal(await count('taken'), 0);
    for (const flow of [first, second]) await flow.close();
  });

  test('begins no pass of Replace', async () => {
    const [first, second] = await takenOver('replaced', 'Replace');
    await assert.rejects(first.begin(), { disposition: 'fenced' });
    assert.deepEqual(
      (await database.names()).filter((name) => name.startsWith('_idra_shadow_')),
      [],
    );
    for (const flow of [first, second]) await flow.close();
  });
});

test('an offset that somebody else has moved is not overwritten, and no row is written', async () => {
  const flow = await database.flow({ from: 'logs', to: 'moved', columns, rowFormat: 'values' });
  await flow.claim();
  const [batch] = await flow.batches();
  await commits().updateMany({ table: 'moved' }, { $set: { offset: 'elsewhere' } });
  await assert.rejects(flow.write(batch), { code: 'OffsetMoved', disposition: 'transient' });
  assert.equal(await count('moved'), 0);
  assert.equal((await commits().findOne({ table: 'moved' }))?.offset, 'elsewhere');
  await flow.close();
});

test('equal rows without a key are all written, and none again after a failure', async () => {
  const [, body] = columns;
  const options = { from: 'logs', to: 'logged', columns: body ? [body] : [], writeMode: 'Append' } as const;
  const flow = await database.flow({ ...options, maxRows: 1, rowFormat: 'values' });
  await flow.claim();
  const batches = await flow.batches();
  // The second and the third begin at the offset of the pass, which stays the same.
  assert.equal(batches.length, 3);
  for (const expected of [3, 3]) {
    await flow.begin({ isAtomic: true });
    for (const batch of batches) await flow.write(batch);
    assert.equal(await count('logged'), expected);
    // As after a crash between the rows and their offset.
    await commits().updateMany({ table: 'logged' }, { $set: { offset: null } });
    await flow.claim();
  }
  await flow.close();
});

/** Another claimant is faster, after this one has read the document. */
class Slow extends CommitRows {
  meanwhile: (() => Promise<unknown>) | undefined;

  override async find(uid: string, client?: ClientSession): Promise<StoredCommit | undefined> {
    const found = await super.find(uid, client);
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return found;
  }
}

test('of two claimants that have read the same document one claims', async () => {
  const flow = await database.flow({ from: 'logs', to: 'claimed', columns });
  const { plan, rowFormat } = flow;
  const request: ClaimRequest = {
    ...{ plan, rowFormat, name: 'test/sync', fingerprint: 'm' },
    ...{ token: 'next', offset: 'keep', keepsOffset: true },
  };
  const session = await Session.open(database.access, writerName, signal);
  const claim = (rows: CommitRows, owner: string) =>
    rows.claim(request, { session: owner, target: undefined }, undefined);
  const [slow, fast] = [new Slow(session, 'claimed'), new CommitRows(session, 'claimed')];
  slow.meanwhile = () => claim(fast, 'fast');
  // There was no document when it looked: the server refuses a second one.
  await assert.rejects(claim(slow, 'slow'), { code: 11_000 });
  slow.meanwhile = () => claim(fast, 'faster');
  assert.equal(await claim(slow, 'slow'), undefined);
  const stored = await fast.find(plan.uid);
  assert.deepEqual([stored?.session, stored?.token], ['faster', 2n]);
  await session.close();
  await flow.close();
});
