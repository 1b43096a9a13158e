import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the built web UI, in the encodings that were made at build time. */
export interface UiFile {
  readonly contentType: string;
  readonly plain: Buffer;
  readonly br: Buffer | undefined;
  readonly gzip: Buffer | undefined;
}

export interface UiFiles {
  /** The page, with placeholders for nonce and base path. */
  readonly page: string;
  /** By name; names have a hash of the content, so a file never changes under its name. */
  readonly assets: ReadonlyMap<string, UiFile>;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

/** Where `make ui` and the image put it: beside the folder of the API, both in sources and in dist/. */
export const uiFolder: string = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** All of it is kept in memory: some files of less than a megabyte. Undefined: it has not been built. */
export function readUi(folder: string = uiFolder): UiFiles | undefined {
  const page = join(folder, 'index.html');
  if (!existsSync(page)) return undefined;
  const assets = new Map<string, UiFile>();
  const assetFolder = join(folder, 'assets');
  const names = new Set(readdirSync(assetFolder));
  const read = (name: string) => (names.has(name) ? readFileSync(join(assetFolder, name)) : undefined);
  for (const name of names) {
    const contentType = contentTypes[extname(name)];
    const plain = read(name);
    if (contentType === undefined || plain === undefined) continue;
    assets.set(name, { contentType, plain, br: read(`${name}.br`), gzip: read(`${name}.gz`) });
  }
  return { page: readFileSync(page, 'utf8'), assets };
}
