import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateFile } from '../coordination/single/state-file.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { processCli } from './cli.ts';
import { liveNames } from './live-names.ts';

test('a name that a shell would run as a command is not offered', async () => {
  const path = join(await tempFolder('live-names'), 'state.db');
  const state = openStateFile(path);
  for (const name of ['orders', '$(id)', '`id`', '-n', 'a;b']) state.identify('default', name);
  state.identify('team-a', 'orders');
  state.close();
  assert.deepEqual(await liveNames(processCli(), 'sync', ['offset', 'get', '--state', path]), [
    'orders',
    'team-a/orders',
  ]);
});
