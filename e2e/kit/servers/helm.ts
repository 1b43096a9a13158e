import { join } from 'node:path';
import { findServer, inArchive, onPath } from './find.ts';

/** Path of a helm, 3 or 4. */
export async function findHelm(): Promise<string> {
  return join(await findServer('helm', [onPath(['helm']), inArchive('helm', 'helm-tools')]), 'helm');
}
