import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of lines. An unfinished line left by a killed writer does not count. */
export class Topic {
  readonly name: string;
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#folder = folder;
    this.#path = join(folder, name);
  }

  /** Undefined if the file does not exist. */
  async identity(): Promise<string | undefined> {
    return await stat(this.#path).then(
      ({ ino }) => String(ino),
      () => undefined,
    );
  }

  async lines(): Promise<readonly string[]> {
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    return text.split('\n').slice(0, -1);
  }

  /** Creates the file if it is missing, and truncates an unfinished line at its end. */
  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const file = await open(this.#path, 'a+');
    try {
      const text = await file.readFile();
      await file.truncate(text.lastIndexOf(0x0a) + 1);
    } finally {
      await file.close();
    }
  }

  /** Durable when it returns. */
  async append(bytes: Buffer): Promise<void> {
    const file = await open(this.#path, 'a');
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
