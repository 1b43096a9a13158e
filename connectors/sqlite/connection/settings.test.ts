import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { openForReading, openForWriting } from './open.ts';
import { pinned } from './settings.ts';

test('each connection has the pinned settings', async () => {
  const folder = await tempFolder('settings');
  const file = join(folder, 's.db');
  try {
    for (const open of [openForWriting, openForReading]) {
      const database = open(file);
      for (const [name, value] of pinned)
        assert.equal(database.pragma(name, { simple: true }), BigInt(value), name);
      assert.equal(database.prepare("SELECT 'a' LIKE 'A'").pluck().get(), 1n);
      database.close();
    }
  } finally {
    await removeFolder(folder);
  }
});
