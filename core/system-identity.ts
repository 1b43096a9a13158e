import type { SystemIdentity } from './connector.ts';
import { schemaChanged } from './errors.ts';

/**
 * Whether two identities are of one system, or of one that took over from the other: they have a name in common. Undefined: one of them
 * says nothing.
 */
export function isSameSystem(before: SystemIdentity, now: SystemIdentity): boolean | undefined {
  if (before.length === 0 || now.length === 0) return undefined;
  return now.some((each) => before.includes(each));
}

/** For a source, whose connections may end at another system from one to the next: behind a name, a proxy, a path. */
export class OneSystem {
  #first: SystemIdentity | undefined;

  /** Throws SchemaChanged: the Sync is admitted again, and that decides whether its offset still fits. */
  require(now: SystemIdentity, where: string): void {
    this.#first ??= now;
    if (this.#first === now || isSameSystem(this.#first, now) !== false) return;
    throw schemaChanged(where, { what: 'it is another system than before' });
  }
}
