import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const folder = import.meta.dirname;
const stamp = join(folder, 'dist/.built');

/** Builds the web UI into web/dist, unless it was built from these sources and packages already. */
export async function buildUi(): Promise<void> {
  const state = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  await build({ configFile: join(folder, 'vite.config.ts') });
  writeFileSync(stamp, state);
}

function hashOfSources(): string {
  const files = ['src/**/*', '*.ts', '*.html', 'tsconfig.json', '../package-lock.json', '../core/version.ts']
    .flatMap((pattern) => globSync(pattern, { cwd: folder, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(folder.length)).update(readFileSync(file));
  return hash.digest('hex');
}

if (import.meta.main) await buildUi();
