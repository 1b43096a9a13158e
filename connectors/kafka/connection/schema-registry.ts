import type { SystemAccess } from '../../../core/connector.ts';
import { permanent, transient } from '../../../core/errors.ts';
import { channelOf, isServerVerified, requireConfidential } from '../../sql/connection/password-rule.ts';
import { readConfig, tlsOptions } from '../config.ts';
import { toIdraError } from '../errors.ts';
import { AvroError, type AvroType, parseAvro } from '../types/avro-schema.ts';
import { call, type HttpAnswer } from './http-client.ts';

const contentType = 'application/vnd.schemaregistry.v1+json';
const maxSchemas = 1_000;
const maxReferences = 100;
/** An unknown id is asked for again after this time, so that a message without schema does not become a call each. */
const unknownForMs = 10_000;

interface RegisteredSchema {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly { readonly subject: string; readonly version: number }[];
}

/** A registry with the API of Confluent's. Schemas never change under their id, so each is fetched once. */
export class SchemaRegistry {
  readonly where: string;
  readonly #access: SystemAccess;
  readonly #url: string;
  readonly #byId = new Map<number, AvroType | { readonly untilMs: number; readonly reason: string }>();

  constructor(access: SystemAccess) {
    const { schemaRegistry } = readConfig(access);
    if (!schemaRegistry)
      throw permanent(
        'ManifestInvalid',
        `${access.dataSource} names no schema registry, and format is Avro`,
        {
          path: 'spec.kafka.schemaRegistry',
          fix: 'set schemaRegistry.url in the DataSource, or another format in the Sync',
        },
      );
    this.#access = access;
    this.#url = schemaRegistry.url.replace(/\/+$/, '');
    this.where = `schema registry ${new URL(this.#url).host} (${access.dataSource})`;
  }

  /** A reason instead of a type: the registry does not have it, or it is not Avro. */
  async byId(id: number, signal: AbortSignal): Promise<AvroType | string> {
    const known = this.known(id);
    if (known !== undefined) return known;
    const answer = await this.#ask('GET', `/schemas/ids/${id}`, undefined, signal);
    const found = this.#isMissing(answer)
      ? `schema ${id} is not in the registry`
      : await this.#parse(answer, signal);
    if (this.#byId.size >= maxSchemas) this.#byId.clear();
    const entry = typeof found === 'string' ? { untilMs: Date.now() + unknownForMs, reason: found } : found;
    this.#byId.set(id, entry);
    return found;
  }

  /** Undefined: `byId` has to ask. */
  known(id: number): AvroType | string | undefined {
    const found = this.#byId.get(id);
    if (!found || 'kind' in found) return found;
    return found.untilMs > Date.now() ? found.reason : undefined;
  }

  /** Undefined: the subject has no schema. */
  async latest(subject: string, signal: AbortSignal): Promise<AvroType | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const answer = await this.#ask('GET', path, undefined, signal);
    if (this.#isMissing(answer)) return undefined;
    const found = await this.#parse(answer, signal);
    return typeof found === 'string' ? undefined : found;
  }

  /** Registers a schema and returns its id. Throws SchemaIncompatible if the rules of the subject refuse it. */
  async register(subject: string, schema: string, signal: AbortSignal): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    await this.#requireCompatible(subject, schema, signal);
    const answer = await this.#ask('POST', path, { schema, schemaType: 'AVRO' }, signal);
    if (answer.status === 409 || answer.status === 422) throw this.#incompatible(subject);
    const { id } = this.#read(answer);
    if (typeof id === 'number') return id;
    throw transient('ServerFailed', `${this.where}: no id for a schema of ${subject}`);
  }

  async #requireCompatible(subject: string, schema: string, signal: AbortSignal): Promise<void> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest`;
    const answer = await this.#ask('POST', path, { schema, schemaType: 'AVRO' }, signal);
    // The subject has no schema yet.
    if (this.#isMissing(answer)) return;
    if (this.#read(answer).is_compatible === false) throw this.#incompatible(subject);
  }

  #incompatible(subject: string): Error {
    return permanent(
      'SchemaIncompatible',
      `${this.where}: the columns do not agree with the schema of ${subject} under its compatibility rule`,
      {
        path: 'spec.destination.topic',
        fix: `keep the types of the columns that ${subject} has, write to another topic, or change the rule of the subject`,
      },
    );
  }

  async #parse(answer: HttpAnswer, signal: AbortSignal): Promise<AvroType | string> {
    const { schema, schemaType = 'AVRO', references = [] } = this.#read(answer) as Partial<RegisteredSchema>;
    if (schemaType !== 'AVRO') return `a schema of type ${String(schemaType).slice(0, 20)}, and not Avro`;
    try {
      const named = new Map<string, AvroType>();
      await this.#addReferences(references, named, new Set(), signal);
      return parseAvro(String(schema), named);
    } catch (thrown) {
      if (thrown instanceof AvroError) return `a schema that cannot be used: ${thrown.message}`;
      throw thrown;
    }
  }

  async #addReferences(
    references: NonNullable<RegisteredSchema['references']>,
    named: Map<string, AvroType>,
    seen: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { subject, version } of references) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      if (seen.has(path)) continue;
      seen.add(path);
      if (seen.size > maxReferences) throw new AvroError('it refers to too many schemas');
      const answer = await this.#ask('GET', path, undefined, signal);
      const { schema, references: more = [] } = this.#read(answer) as Partial<RegisteredSchema>;
      await this.#addReferences(more, named, seen, signal);
      parseAvro(String(schema), named);
    }
  }

  /** A registry says by a code of its own what it does not have. A 404 of a proxy, or at a wrong path, says nothing about schemas. */
  #isMissing(answer: HttpAnswer): boolean {
    if (answer.status !== 404) return false;
    const code: unknown = this.#json(answer)?.error_code;
    if (typeof code === 'number') return true;
    throw this.#noAnswer(answer);
  }

  #json({ text }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }

  #read(answer: HttpAnswer): Readonly<Record<string, unknown>> {
    const value = answer.status === 200 ? this.#json(answer) : undefined;
    if (value) return value;
    throw this.#noAnswer(answer);
  }

  #noAnswer(answer: HttpAnswer): Error {
    const path = 'spec.kafka.schemaRegistry.url';
    const message = `${this.where}: status ${answer.status}`;
    if (answer.status >= 500 || answer.status === 429) return transient('ServerFailed', message);
    return permanent('ProtocolBroken', `${message}, and no answer of a schema registry`, {
      path,
      fix: 'check the URL, with its path if it has one',
    });
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const url = new URL(`${this.#url}${path}`);
    const { mode } = readConfig(this.#access).schemaRegistry?.tls ?? { mode: 'Prefer' as const };
    const isTls = url.protocol === 'https:';
    const tls = isTls ? tlsOptions(mode, this.#access, 'schemaRegistry.tls', url.hostname) : undefined;
    const headers = { accept: contentType, 'content-type': contentType, ...this.#credentials(url, isTls) };
    const sent = { method, url, headers, ...(body && { body: JSON.stringify(body) }), tls };
    const answer = await call(sent, signal).catch((thrown: unknown) => {
      signal.throwIfAborted();
      throw toIdraError(thrown, this.where).with({ path: 'spec.kafka.schemaRegistry.url' });
    });
    if (answer.status !== 401 && answer.status !== 403) return answer;
    const code = answer.status === 401 ? 'AuthenticationFailed' : 'PermissionDenied';
    throw permanent(code, `${this.where}: ${method} ${path} is refused (status ${answer.status})`, {
      path: 'spec.kafka.schemaRegistry.passwordSecretRef',
      fix: 'check user and password, and the rights of the user at the registry',
    });
  }

  #credentials(url: URL, isTls: boolean): Readonly<Record<string, string>> {
    const { schemaRegistry: config, allowCleartextPassword } = readConfig(this.#access);
    if (config?.user === undefined) return {};
    const { mode } = config.tls;
    const isVerified = isServerVerified(mode, this.#access.secret('schemaRegistry.tls.ca') !== undefined);
    const channel = channelOf(url.hostname, isTls, isVerified);
    const rule = { type: 'kafka', where: this.where, channel, tlsMode: mode } as const;
    requireConfidential(
      { ...rule, isAllowed: allowCleartextPassword, hasPassword: true },
      'basic authentication',
    );
    const password = this.#access.secret('schemaRegistry.password')?.reveal() ?? '';
    return { authorization: `Basic ${Buffer.from(`${config.user}:${password}`).toString('base64')}` };
  }
}
