import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import { systemClock } from '../../core/clock.ts';
import { byId, engineObjects, noSecrets, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { EngineShared } from '../engine/shared.ts';
import { PreparedOpen } from './prepared-open.ts';

const signal = AbortSignal.timeout(60_000);
const shared = new EngineShared(systemClock);

test('a plan made before the lock was held is used only if both ends are unchanged', async () => {
  const files = new TwoFiles(await tempFolder('prepared'));
  files.execute('source', table);
  const objects = engineObjects({ folder: files.folder, spec: byId });
  const takenAfter = async (change: () => void) => {
    const prepared = new PreparedOpen({ ...objects, secrets: noSecrets, definitionOf, shared }, signal);
    await prepared.ready;
    change();
    const open = await prepared.take();
    await open?.close();
    return open !== undefined;
  };
  try {
    assert.equal(await takenAfter(() => {}), true);
    assert.equal(await takenAfter(() => files.execute('destination', table)), false);
    assert.equal(await takenAfter(() => {}), true);
    assert.equal(await takenAfter(() => files.execute('destination', 'ALTER TABLE t ADD COLUMN n')), false);
    assert.equal(await takenAfter(() => files.execute('source', 'ALTER TABLE t ADD COLUMN n')), false);
    assert.equal(await takenAfter(() => files.execute('destination', 'DROP TABLE t')), false);
  } finally {
    await files.close();
  }
});
