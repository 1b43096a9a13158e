import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../kit/wait.ts';
import { agentCommandTests } from './agent-command-tests.ts';
import { etcdTests } from './etcd-tests.ts';
import { manySyncsTests } from './many-syncs-tests.ts';
import {
  buildImages,
  clean,
  count,
  digest,
  insertSlowly,
  installRelease,
  kubectl,
  manifests,
  manyNamespace,
  namespace,
  psql,
  startPostgres,
} from './release.ts';

const rows = 20_000;

const lineOfEvents =
  /^events +source +destination +Id +(Running|Waiting) +idra-agent-\d +[1-9]\d* +\d+s +\d+s +\d+/m;
const lineOfOrders = new RegExp(
  `^orders +source +destination +Timestamp +(Running|Waiting) +idra-agent-\\d +${rows} `,
  'm',
);

before(async () => {
  await buildImages();
  await clean();
  for (const each of [namespace, manyNamespace]) await kubectl(['create', 'namespace', each]);
});

after(async () => {
  await clean();
});

test('helm install, apply, rows that arrive, and agents that are added and removed meanwhile', async () => {
  await startPostgres();
  await installRelease();
  await psql(
    'source',
    `CREATE TABLE events (id bigserial PRIMARY KEY, body text NOT NULL DEFAULT md5(random()::text));
    CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(10,2), updated_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO orders SELECT i, i * 1.01 FROM generate_series(1, ${rows}) i;`,
  );
  await kubectl(['apply', '-n', namespace, '-f', '-'], manifests());
  await until(async () => (await count('orders')) === rows, {
    what: 'the orders at the destination',
    timeoutMs: 120_000,
  });

  for (const replicas of [3, 2]) {
    await kubectl(['scale', 'statefulset/idra-agent', '-n', namespace, `--replicas=${replicas}`]);
    const writing = insertSlowly();
    await kubectl(['rollout', 'status', 'statefulset/idra-agent', '-n', namespace, '--timeout=120s']);
    await writing;
  }
  await until(async () => (await digest('source', 'events')) === (await digest('destination', 'events')), {
    what: 'equal events',
    timeoutMs: 120_000,
  });
  assert.equal(await digest('source', 'orders'), await digest('destination', 'orders'));

  // The status may be some seconds older than the rows.
  const table = await until(
    async () => {
      const text = await kubectl(['get', 'syncs', '-n', namespace]);
      assert.match(text, lineOfEvents);
      assert.match(text, lineOfOrders);
      return text;
    },
    { what: 'a table of Syncs that have written all their rows' },
  );
  const [heads = ''] = table.split('\n');
  assert.equal(
    heads.trimEnd().replaceAll(/ {2,}/g, '|'),
    'NAME|SOURCE|DESTINATION|MODE|STATE|AGENT|ROWS|LAG|LAST SYNC|AGE',
  );
});

agentCommandTests();
etcdTests();
manySyncsTests();
