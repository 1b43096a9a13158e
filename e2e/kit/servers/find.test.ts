import assert from 'node:assert/strict';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { tempFolder } from '../temp.ts';
import { findServer, inFolders, inVariable, onPath, type Place, ServerMissing } from './find.ts';

const before = { ...process.env };
afterEach(() => {
  for (const name of ['PATH', 'KIT_FOLDER', 'IDRA_TEST_MISSING_NOWHERE']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

async function folderWith(binary: string): Promise<string> {
  const folder = await tempFolder();
  await writeFile(join(folder, binary), '#!/bin/sh\n');
  await chmod(join(folder, binary), 0o755);
  return folder;
}

const never: Place = { what: 'never here', find: async () => undefined };
const broken: Place = { what: 'a registry', find: () => Promise.reject(new Error('no network\nand more')) };

test('uses the first place that has it', async () => {
  const folder = await folderWith('kit-server');
  process.env.PATH = `/nowhere:${folder}`;
  assert.equal(await findServer('nowhere', [never, onPath(['kit-server']), broken]), folder);
});

test('reports for each place what was searched, and why it failed', async () => {
  await assert.rejects(findServer('nowhere', [never, onPath(['a', 'b']), broken]), {
    name: 'ServerMissing',
    message: 'nowhere: not found; searched never here; a, b on PATH; a registry (no network)',
  });
});

test('does not search again for what the test run has searched', async () => {
  process.env.IDRA_TEST_MISSING_NOWHERE = 'it everywhere';
  const found: Place = { what: 'here', find: async () => '/here' };
  await assert.rejects(findServer('nowhere', [found]), new ServerMissing('nowhere', 'it everywhere'));
});

test('a file that cannot be executed is not a binary', async () => {
  const folder = await folderWith('kit-server');
  await chmod(join(folder, 'kit-server'), 0o644);
  process.env.PATH = folder;
  assert.equal(await onPath(['kit-server']).find(), undefined);
});

test('of several versions the highest', async () => {
  const parent = await tempFolder('versions');
  for (const version of ['9', '15', '2']) {
    await rename(await folderWith('kit-server'), join(parent, version));
  }
  assert.equal(await inFolders(`${parent}/*`, ['kit-server']).find(), join(parent, '15'));
});

test('a variable that names a folder without the binary is reported, not ignored', async () => {
  process.env.KIT_FOLDER = await folderWith('kit-server');
  assert.equal(await inVariable('KIT_FOLDER', ['kit-server']).find(), process.env.KIT_FOLDER);
  await assert.rejects(inVariable('KIT_FOLDER', ['other']).find(), /lacks one of other/);
});
