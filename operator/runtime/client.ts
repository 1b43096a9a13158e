import type { IncomingMessage } from 'node:http';
import { Stopped } from '../../core/errors.ts';
import type { ClusterAccess } from '../../process/kubernetes-access.ts';
import {
  type ApiStatus,
  answerInvalid,
  errorOfConnection,
  errorOfStatus,
  parseAnswer,
} from './api-errors.ts';
import {
  apiVersionOf,
  type KubernetesObject,
  keyOf,
  type ObjectMeta,
  type ObjectRef,
  pathOf,
  type Resource,
} from './objects.ts';
import { type ApiRequest, ApiTransport, type TransportOptions } from './transport.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Does not queue behind other requests. */
  readonly isUrgent?: boolean;
}

export interface Selection extends CallOptions {
  /** Omitted: all namespaces, or a cluster-scoped kind. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selection {
  readonly limit?: number;
  readonly continue?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Of the whole list: where a watch continues. */
  readonly resourceVersion: string;
  readonly continue: string | undefined;
}

interface ObjectList<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** After this time the server ends the watch regularly. */
  readonly serverTimeoutMs: number;
  /** After this time without a byte the connection is closed: the server's bookmarks arrive each minute. */
  readonly inactivityMs: number;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | {
      readonly type: 'BOOKMARK';
      readonly object: { readonly metadata: { readonly resourceVersion: string } };
    };

/** A merge patch. With `metadata.resourceVersion` it is refused with KubernetesConflict when the object has changed since. */
export type Patch = { readonly metadata?: object } & Readonly<Record<string, unknown>>;

/** An object to create; apiVersion and kind are the resource's. */
export interface Manifest {
  readonly metadata: ObjectRef &
    Partial<Pick<ObjectMeta, 'labels' | 'annotations' | 'finalizers' | 'resourceVersion'>>;
  readonly [field: string]: unknown;
}

export interface ClientOptions extends TransportOptions {
  /** Owner of the fields that we write. */
  readonly fieldManager: string;
}

/** Errors are IdraErrors with an ApiErrorCode; objects come as the API server's JSON, unchecked. */
export class KubernetesClient {
  readonly #transport: ApiTransport;
  /** Owner of the fields that we write. */
  readonly fieldManager: string;

  constructor(access: ClusterAccess, options: ClientOptions) {
    this.#transport = new ApiTransport(access, options);
    this.fieldManager = options.fieldManager;
  }

  async list<T extends KubernetesObject>(resource: Resource, options: ListOptions = {}): Promise<Page<T>> {
    const { namespace, labelSelector, fieldSelector, limit } = options;
    const what = `list ${resource.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const answer = await this.#transport.call({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { labelSelector, fieldSelector, limit, continue: options.continue },
      what,
      ...callPart(options),
    });
    const { items, metadata } = answer as Partial<ObjectList<T>>;
    if (!Array.isArray(items) || typeof metadata?.resourceVersion !== 'string')
      throw answerInvalid(what, 'a list');
    const { resourceVersion, continue: next } = metadata;
    return { items, resourceVersion, continue: next || undefined };
  }

  async get<T extends KubernetesObject>(
    resource: Resource,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T> {
    return (await this.#callOne('GET', resource, ref, {}, options)) as T;
  }

  async create<T extends KubernetesObject>(
    resource: Resource,
    object: Manifest,
    options?: CallOptions,
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const request = {
      path: pathOf(resource, namespace),
      query: { fieldManager: this.fieldManager },
      body: { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object },
    };
    return (await this.#callOne('POST', resource, { name, namespace }, request, options)) as T;
  }

  async patch<T extends KubernetesObject>(
    resource: Resource,
    ref: ObjectRef,
    patch: Patch,
    options?: CallOptions & { readonly subresource?: 'status'; readonly isDryRun?: boolean },
  ): Promise<T> {
    const request = {
      path: pathOf(resource, ref.namespace, ref.name, options?.subresource),
      query: { fieldManager: this.fieldManager, dryRun: options?.isDryRun ? 'All' : undefined },
      body: patch,
      contentType: 'application/merge-patch+json',
    };
    return (await this.#callOne('PATCH', resource, ref, request, options)) as T;
  }

  /** A merge patch of the status alone; a missing field stays, null deletes it, an array is replaced. */
  async patchStatus<T extends KubernetesObject>(
    resource: Resource,
    ref: ObjectRef & { readonly resourceVersion?: string },
    status: object,
    options?: CallOptions,
  ): Promise<T> {
    const { resourceVersion } = ref;
    const patch = resourceVersion === undefined ? { status } : { metadata: { resourceVersion }, status };
    return await this.patch<T>(resource, ref, patch, { ...options, subresource: 'status' });
  }

  /** A JSON patch: refused with KubernetesInvalid when one of its tests fails. */
  async patchJson(
    resource: Resource,
    ref: ObjectRef,
    operations: readonly object[],
    options?: CallOptions,
  ): Promise<void> {
    const request = {
      query: { fieldManager: this.fieldManager },
      body: operations,
      contentType: 'application/json-patch+json',
    };
    await this.#callOne('PATCH', resource, ref, request, options);
  }

  /** Server-side apply: creates or updates; fields of ours that are omitted are deleted. */
  async apply<T extends KubernetesObject>(
    resource: Resource,
    object: Manifest,
    options?: CallOptions & { readonly isForced?: boolean; readonly isDryRun?: boolean },
  ): Promise<T> {
    const ref = object.metadata;
    const request = {
      query: {
        fieldManager: this.fieldManager,
        force: options?.isForced,
        dryRun: options?.isDryRun ? 'All' : undefined,
      },
      body: { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object },
      contentType: 'application/apply-patch+yaml',
    };
    return (await this.#callOne('PATCH', resource, ref, request, options)) as T;
  }

  /** With `uid`: refused with KubernetesConflict if another object now has the name. */
  async delete(
    resource: Resource,
    ref: ObjectRef & { readonly uid?: string },
    options?: CallOptions,
  ): Promise<void> {
    const preconditions = ref.uid === undefined ? {} : { preconditions: { uid: ref.uid } };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...preconditions };
    await this.#callOne('DELETE', resource, ref, { body }, options);
  }

  /**
   * Events after `resourceVersion`, with bookmarks, until the server ends the watch. An end without an error is normal: continue from the
   * last event's resourceVersion. KubernetesExpired: the server no longer has that version, list again.
   */
  async *watch<T extends KubernetesObject>(
    resource: Resource,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, serverTimeoutMs, inactivityMs } =
      options;
    const timeoutSeconds = Math.ceil(serverTimeoutMs / 1_000);
    const what = `watch ${resource.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector,
      fieldSelector,
      resourceVersion,
      timeoutSeconds,
    };
    const request: ApiRequest = {
      method: 'GET',
      path: pathOf(resource, namespace),
      query,
      what,
      ...callPart(options),
    };
    const response = await this.#transport.open(request);
    try {
      for await (const line of readLines(response, inactivityMs)) {
        const event = parseAnswer(line, what) as WatchEvent<T> | { type: 'ERROR'; object: ApiStatus };
        if (event.type === 'ERROR') throw errorOfStatus(event.object.code ?? 500, event.object, what);
        yield event;
      }
    } catch (thrown) {
      throw errorOfConnection(thrown, what, options.signal);
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.#transport.close();
  }

  async #callOne(
    method: ApiRequest['method'],
    resource: Resource,
    ref: ObjectRef,
    request: Partial<ApiRequest>,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const what = `${verbs[method]} ${resource.plural} ${keyOf(ref)}`;
    const path = pathOf(resource, ref.namespace, ref.name);
    return await this.#transport.call({ method, path, what, ...request, ...callPart(options) });
  }
}

const verbs = { GET: 'get', POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const;

function callPart({ signal, timeoutMs, isUrgent }: CallOptions = {}): CallOptions {
  return {
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(isUrgent !== undefined && { isUrgent }),
  };
}

/** etcd stores no object above 1.5 MiB. */
const maxEventBytes = 16 << 20;

async function* readLines(response: IncomingMessage, inactivityMs: number): AsyncGenerator<string> {
  const giveUp = () => response.destroy(new Stopped('deadline'));
  const timer = setTimeout(giveUp, inactivityMs);
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      timer.refresh();
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        pending.push(chunk.subarray(start, end));
        yield Buffer.concat(pending).toString('utf8');
        pending = [];
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
      pendingBytes = start === 0 ? pendingBytes + chunk.length : chunk.length - start;
      if (pendingBytes > maxEventBytes) throw new Error(`an event of more than ${maxEventBytes} bytes`);
    }
  } finally {
    clearTimeout(timer);
  }
}
