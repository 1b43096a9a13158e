import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { permanent, transient } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { ReadSecret } from './remembering.ts';

/**
 * FOLDER/NAME/KEY, as Kubernetes mounts Secrets; used for every namespace. One newline at the end of a file is not part of the secret.
 */
export function secretsOfFolder(folder: string): ReadSecret {
  return async (namespace, name) => {
    const path = join(folder, name);
    if (/[/\\]|^\.+$/.test(name)) throw notFound(namespace, name, path);
    try {
      // Kubernetes keeps the files themselves in a hidden folder beside their links.
      const files = (await readdir(path)).filter((file) => !file.startsWith('..'));
      const entries = files.map(async (file) => {
        const text = await readFile(join(path, file), 'utf8');
        return [file, new Secret(text.replace(/\r?\n$/, ''))] as const;
      });
      return new Map(await Promise.all(entries));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') throw notFound(namespace, name, path);
      if (code === 'EACCES' || code === 'EPERM') {
        throw permanent('SecretForbidden', `the Secret ${name} may not be read from ${path}`, {
          fix: 'allow the user of the agent to read it',
          cause: error,
        });
      }
      if (code === undefined) throw error;
      throw transient('SecretUnavailable', `the Secret ${name} cannot be read from ${path}: ${code}`, {
        cause: error,
      });
    }
  };
}

function notFound(namespace: string, name: string, path: string): Error {
  return permanent('SecretNotFound', `there is no Secret ${name} for namespace ${namespace}`, {
    fix: `create the folder ${path} with a file for each key (IDRA_SECRETS_DIR/NAME/KEY)`,
  });
}
