import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connector, SystemAccess } from '../core/connector.ts';
import type { Definition } from '../core/definition.ts';
import { withFileFolder } from './file-folder.ts';

/** The folder that each method of a connector receives. */
async function filesOf(dataSource: string, root: string | undefined): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  const note = async (access: SystemAccess) => void seen.push(access.files);
  const connector = {
    check: note,
    discover: note,
    openSource: note,
    openDestination: note,
  } as unknown as Connector;
  const definition = { load: async () => connector } as unknown as Definition;
  const loaded = await withFileFolder(() => definition, root)('sqlite').load();
  const access: SystemAccess = { dataSource, config: {}, secret: () => undefined };
  const signal = new AbortController().signal;
  await loaded.check(access, signal);
  await loaded.discover(access, signal);
  await loaded.openSource(access, { timeZone: 'UTC' }, signal);
  await loaded.openDestination(access, { table: 't', existingRows: 'Keep' }, signal);
  return seen;
}

test('each path to a file system has the folder of its namespace', async () => {
  const folder = { root: '/files', namespace: 'team-a' };
  assert.deepEqual(await filesOf('team-a/shop', '/files'), Array(4).fill(folder));
});

test('without a root, or for an invalid namespace, there are no files', async () => {
  assert.deepEqual(await filesOf('team-a/shop', undefined), Array(4).fill('none'));
  for (const name of ['..', '.', '', 'a b'])
    assert.deepEqual(await filesOf(`${name}/x`, '/files'), Array(4).fill('none'));
});
