import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { permanent } from '../../core/errors.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { parseTimeout } from '../timeout.ts';

interface RolesOptions {
  readonly print?: boolean;
  readonly passwords?: string;
  readonly timeout: string;
}

/** Sets what each part of Idra may read and write in etcd (coordination/roles/roles.ts). */
export function addEtcdRoles(etcd: Command, cli: Cli): void {
  const command = etcd
    .command('roles')
    .description(
      'create the users and roles of Idra in etcd and enable authentication; IDRA_ETCD_* must connect as root',
    )
    .option('--print', 'print a script for etcdctl instead, and change nothing')
    .option(
      '--passwords <folder>',
      'folder with a file for each user that logs in by password (root, idra-agent, idra-operator, idra-api); other users need a certificate',
    )
    .option('--timeout <duration>', 'how long to wait for an etcd that does not answer', '2m')
    .addHelpText('after', '\nExamples:\n  idra etcd roles\n  idra etcd roles --print > roles.sh');
  runs<RolesOptions>(command, cli, async (_args, options) => {
    const timeoutMs = parseTimeout(options.timeout);
    const passwords = options.passwords === undefined ? new Map() : readPasswords(options.passwords);
    const { readEtcdConfig } = await import('../../coordination/connect.ts');
    if (options.print) {
      const { roleScript } = await import('../../coordination/roles/script.ts');
      const { prefix } = readEtcdConfig({
        ...cli.env,
        IDRA_ETCD_ENDPOINTS: cli.env.IDRA_ETCD_ENDPOINTS ?? 'none',
      });
      const folder = options.passwords;
      const files = folder === undefined ? undefined : { folder, users: [...passwords.keys()] };
      cli.out.write(roleScript({ prefix, passwords: files }));
      return exitStatus.ok;
    }
    const { setUpRoles } = await import('../../coordination/roles/setup.ts');
    await setUpRoles({
      config: readEtcdConfig(cli.env),
      passwords,
      timeoutMs,
      onChange: (line) => cli.out.write(`${line}\n`),
      onWarning: (line) => cli.err.write(`${line}\n`),
    });
    return exitStatus.ok;
  });
}

function readPasswords(folder: string): ReadonlyMap<string, string> {
  try {
    // Kubernetes keeps the files themselves in a hidden folder beside their links.
    const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
    return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8').trimEnd()]));
  } catch (error) {
    throw permanent('CallInvalid', `--passwords ${folder} cannot be read`, {
      fix: 'name a folder with a file for each user, named after the user',
      cause: error,
    });
  }
}
