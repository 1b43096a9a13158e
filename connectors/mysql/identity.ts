import type { SystemIdentity } from '../../core/connector.ts';
import type { SqlRow } from './connection/statements.ts';

/** Requested with askForKnown: MariaDB has neither, and has nothing else that identifies a server. */
export const identityVariables = ['server_uuid', 'gtid_executed'] as const;

/** The items of the SELECT, as far as the server has them. */
export function identityItems(known: ReadonlySet<string>): string {
  return identityVariables.map((name) => (known.has(name) ? `@@global.${name}` : 'NULL')).join(', ');
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** Enough for a topology that has changed its primary this often. */
const namesAtMost = 64;

/**
 * The server's uuid, and those of all servers or groups whose transactions it has executed by GTID. A replica that takes over has the
 * previous server's uuid among them.
 */
export function namesOf([own, executed]: SqlRow): readonly string[] {
  const names = [own, executed].flatMap((each) => String(each ?? '').match(uuid) ?? []);
  return [...new Set(names.map((each) => each.toLowerCase()))].slice(0, namesAtMost);
}

export function identityOf(names: readonly string[], database: string): SystemIdentity {
  return names.map((name) => `${name}/${database}`);
}
