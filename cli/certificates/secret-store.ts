import { permanent } from '../../core/errors.ts';
import { hasCode } from '../../operator/runtime/api-errors.ts';
import type { KubernetesClient } from '../../operator/runtime/client.ts';
import type { KubernetesObject, Resource } from '../../operator/runtime/objects.ts';
import { ownSecretType } from '../../process/kubernetes-access.ts';
import type { CertificateStore, Files } from './store.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const label = 'idra.dev/etcd-certificates';

interface SecretObject extends KubernetesObject {
  readonly type: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Secrets PREFIX-NAME of a namespace, written with the rights `get`, `create` and `patch`. */
export class SecretStore implements CertificateStore {
  readonly #client: KubernetesClient;
  readonly #namespace: string;
  readonly #prefix: string;
  readonly #seen = new Map<string, SecretObject>();

  constructor(client: KubernetesClient, namespace: string, prefix: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#prefix = prefix;
  }

  location(name: string): string {
    return `Secret ${this.#namespace}/${this.#prefix}-${name}`;
  }

  async read(name: string): Promise<Files | undefined> {
    this.#seen.delete(name);
    try {
      const secret = await this.#client.get<SecretObject>(secrets, this.#ref(name));
      if (secret.type !== ownSecretType) {
        throw permanent('SecretTaken', `${this.location(name)} was not created by Idra`, {
          fix: `delete or rename it, or choose other names with --secrets (now ${this.#prefix})`,
        });
      }
      this.#seen.set(name, secret);
      return mapValues(secret.data ?? {}, (text) => Buffer.from(text, 'base64').toString('utf8'));
    } catch (thrown) {
      if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
      throw thrown;
    }
  }

  async write(name: string, files: Files): Promise<void> {
    const data = mapValues(files, (text) => Buffer.from(text, 'utf8').toString('base64'));
    const seen = this.#seen.get(name);
    const secret = seen ? await this.#relocation(name, seen, data) : await this.#create(name, data);
    this.#seen.set(name, secret);
  }

  async #relocation(name: string, seen: SecretObject, data: Files): Promise<SecretObject> {
    const gone = Object.keys(seen.data ?? {}).filter((file) => !(file in data));
    return await this.#client.patch<SecretObject>(secrets, this.#ref(name), {
      metadata: { resourceVersion: seen.metadata.resourceVersion },
      data: { ...data, ...Object.fromEntries(gone.map((file) => [file, null])) },
    });
  }

  async #create(name: string, data: Files): Promise<SecretObject> {
    const labels = { 'app.kubernetes.io/name': 'idra', [label]: this.#prefix };
    return await this.#client.create<SecretObject>(secrets, {
      metadata: { ...this.#ref(name), labels },
      type: ownSecretType,
      data,
    });
  }

  #ref(name: string) {
    return { namespace: this.#namespace, name: `${this.#prefix}-${name}` };
  }
}

function mapValues(files: Files, change: (text: string) => string): Files {
  return Object.fromEntries(Object.entries(files).map(([file, text]) => [file, change(text)]));
}
