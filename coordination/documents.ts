/** A small JSON document of the API server: a user, a session, an entry of the audit log. */
export interface StoredDocument {
  readonly key: string;
  readonly value: unknown;
  /** Of this document; compared only for equality. */
  readonly version: string;
}

export interface DocumentWrite {
  readonly key: string;
  /** Undefined: delete. */
  readonly value: unknown;
  /** Only if this version is stored, '' for none. */
  readonly ifVersion?: string;
}

export interface ListDocuments {
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit?: number;
}

/** Documents that all replicas of the API server share: in etcd, or in the state file of single mode. Reads are of the newest state. */
export interface DocumentStore {
  get(key: string): Promise<StoredDocument | undefined>;
  /** Several documents as they were at one moment. */
  getAll(keys: readonly string[]): Promise<readonly (StoredDocument | undefined)[]>;
  /** In the order of keys. */
  list(prefix: string, options?: ListDocuments): Promise<readonly StoredDocument[]>;
  /** All or nothing. Throws Conflict (transient) if one of the documents has another version. */
  write(writes: readonly DocumentWrite[]): Promise<void>;
}
