import { join } from 'node:path';
import { Keys } from '../keys.ts';
import { grantsOf, roleNames } from './roles.ts';

export interface RoleScript {
  readonly prefix: string;
  /** A folder with one file for each user that has a password. */
  readonly passwords?: { readonly folder: string; readonly users: readonly string[] } | undefined;
}

/** Does the same as setup.ts, for an etcd that Idra cannot access as root. */
export function roleScript({ prefix, passwords }: RoleScript): string {
  const keys = new Keys(prefix);
  const lines = [
    '#!/bin/sh',
    '# Users and roles of Idra, made by: idra etcd roles --print. Run it where etcdctl reaches etcd as root (ETCDCTL_ENDPOINTS,',
    '# ETCDCTL_CACERT, ETCDCTL_CERT, ETCDCTL_KEY). It may run again. It takes no grant away: after an upgrade delete the roles first.',
    'set -eu',
    'quietly() { "$@" >/dev/null 2>&1; }',
    '',
    'quietly etcdctl role get root || etcdctl role add root',
  ];
  for (const role of roleNames) {
    lines.push('', `quietly etcdctl role get ${role} || etcdctl role add ${role}`);
    for (const { range, access } of grantsOf(role, keys))
      lines.push(`etcdctl role grant-permission ${role} ${access} ${quoted(range.key)} ${quoted(range.end)}`);
  }
  lines.push('');
  for (const user of ['root', ...roleNames]) {
    const password = passwords?.users.includes(user)
      ? `--interactive=false <${quoted(join(passwords.folder, user))}`
      : '--no-password';
    lines.push(
      `quietly etcdctl user get ${user} || etcdctl user add ${user} ${password}`,
      `etcdctl user grant-role ${user} ${user}`,
    );
  }
  lines.push('', 'etcdctl auth enable', '');
  return lines.join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
