import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import type { AuditEntry } from '../audit/contract.ts';
import type { event } from '../schemas/cluster.ts';

export type Author = NonNullable<z.infer<typeof event>['by']>;

/** Of the API server's own changes of custom resources. */
export const apiFieldManager = 'idra-api';

export interface AuthorsDeps {
  /** Newest first. */
  readonly audit: { entries(): AsyncIterable<AuditEntry> };
  readonly clock: Clock;
  readonly log: Log;
}

/** A change is seen soon after its entry in the audit log was written, perhaps by another replica with another clock. */
const recentMs = 60_000;
const mostEntries = 200;
/** Changes that arrive together are looked up together. */
const gatherMs = 100;
const specActions = new Set(['createSync', 'createSyncs', 'updateSync']);

/** Who has set the spec of a Sync: a user of the API, by the audit log that all replicas share, or whom Kubernetes names. */
export class Authors {
  readonly #deps: AuthorsDeps;
  #reading: Promise<readonly AuditEntry[]> | undefined;

  constructor(deps: AuthorsDeps) {
    this.#deps = deps;
  }

  /** Undefined: not known. Never rejects. */
  async of(sync: FleetSync): Promise<Author | undefined> {
    const managers = sync.changedBy ?? [];
    const other = managers.find((each) => each !== apiFieldManager);
    const user = other === undefined || managers.length > 1 ? await this.#userOf(sync) : undefined;
    if (user !== undefined) return { kind: 'user', name: user };
    const name = other ?? managers[0];
    return name === undefined ? undefined : { kind: 'fieldManager', name };
  }

  async #userOf({ changedBy, spec, ...sync }: FleetSync): Promise<string | undefined> {
    const object = `Sync ${qualifiedName(sync)}`;
    // Where it can have been somebody else, only what is stored tells that it was this change.
    const isOwn = changedBy?.length === 1;
    return (await this.#recent()).find(
      (each) => each.object === object && (isOwn || isDeepStrictEqual(specAfter(each), spec)),
    )?.by.user;
  }

  #recent(): Promise<readonly AuditEntry[]> {
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<readonly AuditEntry[]> {
    const { audit, clock, log } = this.#deps;
    await clock.sleep(gatherMs);
    this.#reading = undefined;
    const found: AuditEntry[] = [];
    let seen = 0;
    try {
      for await (const entry of audit.entries()) {
        seen += 1;
        if (seen > mostEntries || clock.now() - Date.parse(entry.time) > recentMs) break;
        if (specActions.has(entry.action) && entry.outcome !== 'Failed') found.push(entry);
      }
    } catch (error) {
      log.warn('who has changed a spec could not be read from the audit log', { error });
    }
    return found;
  }
}

function specAfter({ after }: AuditEntry): unknown {
  return (after as { readonly spec?: unknown } | undefined)?.spec;
}
