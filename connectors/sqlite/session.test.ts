import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { FileThread, ownBuffers } from './session.ts';
import type { SystemFile } from './system-file.ts';

test('a thread that is ended at any moment of its start leaves the process alive', async () => {
  const file = join(await tempFolder('thread'), 'x.db');
  for (let turns = 0; turns < 30; turns++) {
    const thread = new FileThread<SystemFile>({ role: 'system', file });
    const stop = new AbortController();
    const call = thread.call(stop.signal, 'discover');
    const ended = call.catch((reason: Error) => reason.message);
    for (let turn = 0; turn < turns * 20; turn++) await nextTurn();
    stop.abort(new Error('enough'));
    // Ended by the signal, or completed before it: there is no file to discover.
    assert.match(String(await ended), /enough|x\.db/);
    await thread.close();
  }
});

test('packed rows of a batch are moved to the thread, and what shares its memory is copied', () => {
  const [one, two] = [new Uint8Array(3), new Uint8Array(4)];
  const part = new Uint8Array(9).subarray(2);
  assert.deepEqual(ownBuffers({ packed: [one, part], deletions: [two], offset: { mode: 'Id', id: '1' } }), [
    one.buffer,
    two.buffer,
  ]);
  assert.deepEqual(ownBuffers([one, two]), [one.buffer, two.buffer]);
  assert.deepEqual(ownBuffers(['name', null]), []);
});
