import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { findServer, inDebian, onPath } from './find.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'] as const;

/** A real Chromium: that of IDRA_TEST_CHROMIUM, one on PATH, or Debian's. */
export async function openChromium(): Promise<Browser> {
  const executablePath = await findChromium();
  // Root has no sandbox; the pages are our own.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({ executablePath, args: [...args, '--disable-dev-shm-usage'] });
}

async function findChromium(): Promise<string> {
  const given = process.env.IDRA_TEST_CHROMIUM;
  if (given) return given;
  const places = names.map((name) => named(name));
  const found = await findServer('chromium', [
    ...places,
    inDebian(['chromium', 'fonts-dejavu-core'], named('chromium')),
  ]);
  return found;
}

/** The binary itself, not its folder. */
function named(name: (typeof names)[number]) {
  const place = onPath([name]);
  return {
    what: place.what,
    find: async () => {
      const folder = await place.find();
      return folder === undefined ? undefined : join(folder, name);
    },
  };
}
