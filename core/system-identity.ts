import type { SystemIdentity } from './connector.ts';
import { schemaChanged } from './errors.ts';

/**
 * Whether two identities belong to one system, or to one that took over from the other: they share an identifier. Undefined: one of them
 * is empty.
 */
export function isSameSystem(before: SystemIdentity, now: SystemIdentity): boolean | undefined {
  if (before.length === 0 || now.length === 0) return undefined;
  return now.some((each) => before.includes(each));
}

/** For a source whose connections may reach different systems over time: behind a DNS name, a proxy, a path. */
export class OneSystem {
  #first: SystemIdentity | undefined;

  /** Throws SchemaChanged: the Sync is admitted again, which decides whether its offset is still valid. */
  require(now: SystemIdentity, where: string): void {
    this.#first ??= now;
    if (this.#first === now || isSameSystem(this.#first, now) !== false) return;
    throw schemaChanged(where, { what: 'it is a different system than before' });
  }
}
