import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { FieldKind } from './field-text.ts';

/** As much of JSON Schema as the API's document uses for manifests. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly 'x-systems': Systems;
}

/** Fields of `spec.source` and `spec.destination` by system; the first names its objects. */
export type Systems = Readonly<Record<string, Readonly<Record<'source' | 'destination', readonly string[]>>>>;

const documentQuery = {
  queryKey: ['openapi'],
  queryFn: ({ signal }: { signal: AbortSignal }) => call<Document>('/openapi.json', { signal }),
  staleTime: Number.POSITIVE_INFINITY,
};

/** The schema of a spec, from the document by which the API checks it. */
export function useSpecSchema(kind: 'Sync' | 'DataSource') {
  return useQuery({ ...documentQuery, select: ({ components }) => components.schemas[`${kind}Spec`] });
}

export function useSystems(): Systems | undefined {
  return useQuery({ ...documentQuery, select: (document) => document['x-systems'] }).data;
}

const longText = 10_000;

/** How a field is edited in the form; `yaml`: only as text. */
export function fieldKind(schema: Schema): FieldKind {
  if (schema.enum) return 'choice';
  if (schema.type === 'boolean' || schema.const === true) return 'flag';
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'array') return schema.items?.type === 'string' ? 'list' : 'yaml';
  if (schema.type === 'object' && schema.properties) return 'object';
  if (schema.type === 'object')
    return typeof schema.additionalProperties === 'object' && schema.additionalProperties.type === 'string'
      ? 'map'
      : 'yaml';
  if (schema.type === 'string') return (schema.maxLength ?? 0) > longText ? 'long' : 'text';
  return 'yaml';
}
