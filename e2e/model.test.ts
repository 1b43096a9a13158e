import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EtcdClient } from '../coordination/etcd/client.ts';
import type { Compare, LeaseId, Operation, TxnRequest } from '../coordination/etcd/transport.ts';
import { IdraError } from '../core/errors.ts';
import { etcd } from './kit/servers.ts';
import { EtcdState } from './model/etcd-state.ts';
import { explore } from './model/explore.ts';
import { Random } from './model/random.ts';

describe('model of coordination', () => {
  test('some hundred runs with faults break no invariant, and no two are the same', async (t) => {
    const found = await explore({ traces: 400, seed: 401 });
    t.diagnostic(`${found.steps} steps, ${found.commits} commits, ${found.refusals} refused`);
    assert.deepEqual(
      found.failed.map(({ seed, violation }) => `seed ${seed}: ${violation}`),
      [],
    );
    assert.equal(found.hashes.size, 400);
    // Otherwise the fence was never exercised.
    assert.ok(found.refusals > 0);
  });

  test('a seed repeats the same run, whatever runs beside it', async () => {
    const [alone, among] = [await explore({ traces: 1, seed: 20 }), await explore({ traces: 30, seed: 1 })];
    assert.ok(among.hashes.has([...alone.hashes][0] ?? 0));
  });

  test('its etcd answers like a real one', async () => {
    const server = await etcd();
    const client = new EtcdClient({ endpoints: server.endpoints, prefix: '/' });
    try {
      await compareWith(client, new Random(7));
    } finally {
      client.close();
      await server.stop();
    }
  });
});

/** Random transactions on both; revisions are compared as distances from the first. */
async function compareWith(client: EtcdClient, random: Random): Promise<void> {
  const state = new EtcdState();
  const base = (await client.range({ key: '/' })).revision - state.revision;
  const leases: { readonly real: LeaseId; readonly model: LeaseId }[] = [];
  for (let step = 0; step < 400; step++) {
    if (random.isTrue(0.05)) leases.push({ real: await client.grant(600), model: state.grant(600, 0) });
    const gone = random.isTrue(0.02) ? leases[Math.floor(random.next() * leases.length)] : undefined;
    if (gone !== undefined) {
      await client.revoke(gone.real);
      if (state.leaseEnd(gone.model) !== undefined) state.revoke(gone.model);
    }
    const lease = leases[Math.floor(random.next() * leases.length)];
    const choice = randomTxn(random, state.revision, 2);
    const [real, model] = await Promise.all([
      outcome(() => client.txn(build(choice, base, lease?.real))),
      outcome(async () => state.txn(build(choice, 0n, lease?.model))),
    ]);
    assert.equal(
      normal(real, base, leases, 'real'),
      normal(model, 0n, leases, 'model'),
      `step ${step}: ${text(choice)}`,
    );
  }
}

type Choice = {
  readonly compare: readonly { readonly key: string; readonly create?: bigint; readonly mod?: bigint }[];
  readonly success: readonly ChosenOperation[];
  readonly failure: readonly ChosenOperation[];
};
type ChosenOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly isLeased: boolean }
  | { readonly kind: 'get' | 'delete'; readonly key: string; readonly end?: string }
  | ({ readonly kind: 'txn' } & Choice);

const names = ['/a', '/b', '/c', '/d'] as const;

function randomTxn(random: Random, revision: bigint, depth: number): Choice {
  const some = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: Math.floor(random.between(0, most + 1)) }, make);
  const near = () => BigInt(Math.floor(random.next() * Number(revision + 2n)));
  const operation = (): ChosenOperation => {
    const key = random.pick(names);
    if (depth > 0 && random.isTrue(0.3)) return { kind: 'txn', ...randomTxn(random, revision, depth - 1) };
    if (random.isTrue(0.5))
      return { kind: 'put', key, value: String(random.next()), isLeased: random.isTrue(0.5) };
    return { kind: random.pick(['get', 'delete']), key, ...(random.isTrue(0.3) && { end: '/z' }) };
  };
  return {
    compare: some(2, () => {
      const key = random.pick(names);
      return random.isTrue(0.5) ? { key, create: random.isTrue(0.7) ? 0n : near() } : { key, mod: near() };
    }),
    success: some(3, operation),
    failure: some(2, operation),
  };
}

/** With the revisions and leases of one of the two. */
function build(choice: Choice, base: bigint, lease: LeaseId | undefined): TxnRequest {
  const operations = (chosen: readonly ChosenOperation[]) =>
    chosen.map((each): Operation => {
      if (each.kind === 'txn') return { kind: 'txn', ...build(each, base, lease) };
      if (each.kind !== 'put') return each;
      const { key, value, isLeased } = each;
      return { kind: 'put', key, value, ...(isLeased && lease !== undefined && { lease }) };
    });
  const shifted = (revision: bigint) => (revision === 0n ? 0n : revision + base);
  return {
    compare: choice.compare.map(
      ({ key, create, mod }): Compare =>
        create === undefined ? { key, mod: shifted(mod ?? 0n) } : { key, create: shifted(create) },
    ),
    success: operations(choice.success),
    failure: operations(choice.failure),
  };
}

async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    // A request with several errors may be refused for any of them.
    return { refused: error instanceof IdraError ? error.code : String(error) };
  }
}

function normal(
  answer: unknown,
  base: bigint,
  leases: readonly { readonly real: LeaseId; readonly model: LeaseId }[],
  side: 'real' | 'model',
): string {
  const ids = new Map(leases.map((each, index) => [each[side], `lease ${index}`]));
  return JSON.stringify(answer, (name, value: unknown) => {
    if (typeof value === 'bigint') return value === 0n ? '0' : String(value - base);
    return name === 'lease' ? (ids.get(String(value)) ?? value) : value;
  });
}

function text(choice: Choice): string {
  return JSON.stringify(choice, (_name, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
