import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesClient } from './client.ts';
import { Reflector } from './reflector.ts';
import { configMaps, TestLog } from './test-cluster.ts';

/** Lists and watches of a server whose state is replaced by an earlier one. */
function following(versions: readonly string[], events: readonly string[]) {
  const [left, ending] = [[...versions], new AbortController()];
  const calls: string[] = [];
  const client = {
    list: async (_resource: unknown, { limit }: { limit: number }) => {
      const resourceVersion = (left.length > 1 ? left.shift() : left[0]) ?? '';
      calls.push(`${limit === 1 ? 'probe' : 'list'} ${resourceVersion}`);
      return { items: [], resourceVersion, continue: undefined };
    },
    watch: async function* (_resource: unknown, { resourceVersion }: { resourceVersion: string }) {
      calls.push(`watch ${resourceVersion}`);
      if (calls.filter((call) => call.startsWith('watch')).length > 1) return ending.abort();
      for (const version of events)
        yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } };
    },
  } as unknown as Pick<KubernetesClient, 'list' | 'watch'>;
  let restored = 0;
  const reflector = new Reflector({
    client,
    resource: configMaps,
    log: new TestLog(),
    random: () => 0,
    onChange: () => {},
    onRestored: () => void restored++,
  });
  return { run: () => reflector.run(ending.signal), calls, restored: () => restored };
}

test('a watch continues after the last bookmark while the server has a later version', async () => {
  const { run, calls, restored } = following(['9', '12'], ['10', '11']);
  await run();
  assert.deepEqual(calls, ['list 9', 'watch 9', 'probe 12', 'watch 11']);
  assert.equal(restored(), 0);
});

test('a server with an earlier version than before is listed again', async () => {
  const { run, calls, restored } = following(['9', '8', '8'], ['10']);
  await run();
  assert.deepEqual(calls, ['list 9', 'watch 9', 'probe 8', 'list 8', 'watch 8']);
  assert.equal(restored(), 1);
});

test('so is one that reports an earlier version in a watch', async () => {
  const { run, calls, restored } = following(['9', '8'], ['10', '7']);
  await run();
  assert.deepEqual(calls, ['list 9', 'watch 9', 'list 8', 'watch 8']);
  assert.equal(restored(), 1);
});
