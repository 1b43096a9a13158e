import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../kit/processes.ts';
import type { Guard } from './guard.ts';

/** The text of the guard's file without the guard. Fails if the guard's text is not found exactly once, because the guard was rewritten. */
export function sourceWithout({ name, file, from, to }: Guard): string {
  const parts = readFileSync(join(projectFolder, file), 'utf8').split(from);
  if (parts.length === 2) return parts.join(to);
  throw new Error(`guard "${name}": its text stands ${parts.length - 1} times in ${file}: ${from}`);
}
