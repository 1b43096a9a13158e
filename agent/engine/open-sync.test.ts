import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import { byId, engineObjects, noSecrets } from '../../e2e/kit/engine-run.ts';
import { openSync } from './open-sync.ts';

const { signal } = new AbortController();
const objects = engineObjects({ folder: '/nowhere', spec: byId });
const { spec } = objects.sync;

async function refused(change: Partial<typeof spec>, code: string, path: string): Promise<void> {
  const sync = { ...objects.sync, spec: { ...spec, ...change } };
  await assert.rejects(openSync({ ...objects, sync, secrets: noSecrets, definitionOf }, signal), {
    code,
    path,
  });
}

test('settings that a system does not support are refused before anything is opened', async () => {
  const { dataSource } = spec.source;
  await refused({ source: { dataSource, topic: 'events' } }, 'ManifestInvalid', 'spec.source.topic');
  const destination = { dataSource, prefix: 'events/', existingRows: 'Refuse' } as const;
  await refused({ destination }, 'ManifestInvalid', 'spec.destination.prefix');
  await refused({ mode: 'Stream' }, 'ModeNotOffered', 'spec.mode');
});
