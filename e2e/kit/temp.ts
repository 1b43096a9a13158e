import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardFolder } from './guardian.ts';

/** A new empty folder, removed when this process ends at the latest. */
export async function tempFolder(name = 'test', parent = tmpdir()): Promise<string> {
  const path = await mkdtemp(join(parent, `idra-${name}-`));
  guardFolder(path);
  return path;
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
