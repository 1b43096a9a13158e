import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Budget } from './budget.ts';

test('a request for more than is free waits, and later requests do not overtake it', async () => {
  const budget = new Budget(10);
  const order: string[] = [];
  const first = await budget.take(8);
  const large = budget.take(6).then((share) => {
    order.push('large');
    return share;
  });
  const small = budget.take(1).then((share) => {
    order.push('small');
    return share;
  });
  await setImmediate();
  assert.deepEqual(order, []);
  first.release();
  first.release();
  const shares = await Promise.all([large, small]);
  assert.deepEqual(order, ['large', 'small']);
  assert.equal(budget.used, 7);
  for (const share of shares) share.release();
  assert.equal(budget.used, 0);
});

test('a request for more than the whole budget is admitted alone', async () => {
  const budget = new Budget(10);
  const small = await budget.take(1);
  let isAdmitted = false;
  const giant = budget.take(100).then((share) => {
    isAdmitted = true;
    return share;
  });
  await setImmediate();
  assert.equal(isAdmitted, false);
  small.release();
  const share = await giant;
  let isSecondAdmitted = false;
  const second = budget.take(1).then(() => {
    isSecondAdmitted = true;
  });
  await setImmediate();
  assert.equal(isSecondAdmitted, false);
  share.resize(3);
  await second;
  assert.equal(budget.used, 4);
});

test('a request that stops waiting does not delay those behind it', async () => {
  const budget = new Budget(10);
  await budget.take(5);
  const stop = new AbortController();
  const large = budget.take(9, stop.signal);
  const small = budget.take(2);
  stop.abort(new Error('enough'));
  await assert.rejects(large, /enough/);
  await small;
  assert.equal(budget.used, 7);
});

test('the account that holds least is first, and shares of one account are counted together', async () => {
  const [one, other] = [{ held: 0 }, { held: 0 }];
  const budget = new Budget(10);
  const shares = [await budget.take(4, undefined, one), await budget.take(6, undefined, other)] as const;
  const order: string[] = [];
  const wait = (name: string, account: { held: number }) =>
    budget.take(3, undefined, account).then(() => order.push(name));
  const all = [wait('other', other), wait('one', one), wait('one again', one), wait('new', { held: 0 })];
  assert.equal(budget.waiting, 4);
  shares[1].release();
  await setImmediate();
  assert.deepEqual(order, ['other', 'new']);
  shares[0].resize(1);
  await setImmediate();
  assert.deepEqual([order.slice(2), one.held], [['one'], 4]);
  shares[0].release();
  assert.equal(budget.takeBefore(9, one), undefined);
  void all;
});

test('an account that keeps its share is overtaken ten times at most', async () => {
  const budget = new Budget(2);
  const stuck = { held: 0 };
  await budget.take(1, undefined, stuck);
  let current = await budget.take(1);
  let isAdmitted = false;
  void budget.take(1, undefined, stuck).then(() => {
    isAdmitted = true;
  });
  for (let time = 0; time < 10; time++) {
    const next = budget.take(1);
    current.release();
    current = await next;
    assert.equal(isAdmitted, false);
  }
  void budget.take(1);
  current.release();
  await setImmediate();
  assert.equal(isAdmitted, true);
});

test('whoever is served by one budget is not overtaken for ever in another', async () => {
  const [busy, full] = [new Budget(2), new Budget(2)];
  const account = { held: 0 };
  await full.take(1, undefined, account);
  let current = await full.take(1);
  let isAdmitted = false;
  void full.take(1, undefined, account).then(() => {
    isAdmitted = true;
  });
  for (let time = 0; time < 10; time++) {
    const next = full.take(1);
    current.release();
    current = await next;
    const served = await busy.take(2);
    const own = busy.take(1, undefined, account);
    served.release();
    (await own).release();
    assert.equal(isAdmitted, false);
  }
  void full.take(1);
  current.release();
  await setImmediate();
  assert.equal(isAdmitted, true);
});

test('those that need not wait overtake a request ten times at most', async () => {
  const budget = new Budget(10);
  const [held, mover] = [await budget.take(6), { held: 0 }];
  let isAdmitted = false;
  void budget.take(8).then(() => {
    isAdmitted = true;
  });
  for (let time = 0; time < 10; time++) budget.takeBefore(1, mover)?.release();
  assert.equal(budget.takeBefore(1, mover), undefined);
  held.release();
  await setImmediate();
  assert.deepEqual([isAdmitted, budget.takeBefore(1, mover)?.amount], [true, 1]);
});
