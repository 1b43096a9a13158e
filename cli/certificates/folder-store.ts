import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CertificateStore, Files } from './store.ts';

/**
 * FOLDER/NAME/FILE. Each NAME is a link to a folder that never changes, so that a certificate and its key are replaced atomically, as
 * Kubernetes does with mounted Secrets.
 */
export class FolderStore implements CertificateStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  location(name: string): string {
    return join(this.#folder, name);
  }

  async read(name: string): Promise<Files | undefined> {
    const path = this.location(name);
    const files = await readdir(path).catch(ignoreMissing);
    if (!files) return undefined;
    const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
    return Object.fromEntries(files.map((file, index) => [file, texts[index] ?? '']));
  }

  async write(name: string, files: Files): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const made = await mkdtemp(join(this.#folder, `.${name}-`));
    for (const [file, text] of Object.entries(files))
      await writeFile(join(made, file), text, { mode: 0o600 });
    const link = `${made}.link`;
    await symlink(basename(made), link);
    await rename(link, this.location(name));
    await this.#removeOthers(name, basename(made));
  }

  /** Also removes folders left behind by a run that was killed, because they contain a key. */
  async #removeOthers(name: string, kept: string): Promise<void> {
    for (const entry of await readdir(this.#folder))
      if (entry.startsWith(`.${name}-`) && entry !== kept)
        await rm(join(this.#folder, entry), { recursive: true, force: true });
  }
}

function ignoreMissing(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT') throw thrown;
}
