import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addEtcdCertificates } from './etcd-certificates.ts';
import { addEtcdRoles } from './etcd-roles.ts';

/** Commands that protect Idra's own etcd from access by others. */
export function addEtcd(root: Command, cli: Cli): void {
  const etcd = root.command('etcd').description("protect Idra's own etcd: users, roles and certificates");
  addEtcdCertificates(etcd, cli);
  addEtcdRoles(etcd, cli);
}
