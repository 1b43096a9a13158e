import { z } from 'zod';

/** An OpenAPI 3 schema in the form that custom resources accept: no unions, no `additionalProperties: false`. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  'x-kubernetes-validations'?: Validation[];
  [other: string]: unknown;
}

export interface Validation {
  rule: string;
  message: string;
  reason?: string;
  fieldPath?: string;
}

/** Converts a schema of core/manifest. It describes what a user writes, so a field with a default is optional. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return structural(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }) as StructuralSchema);
}

function structural(node: StructuralSchema): StructuralSchema {
  const {
    $schema: _schema,
    pattern,
    patternMessage,
    properties,
    items,
    additionalProperties,
    ...rest
  } = node;
  const made: StructuralSchema = rest;
  if (typeof pattern === 'string') {
    made['x-kubernetes-validations'] = [
      { rule: `self.matches(r'${pattern}')`, message: String(patternMessage) },
    ];
  }
  if (items) made.items = structural(items);
  if (properties && Object.keys(properties).length > 0) {
    made.properties = Object.fromEntries(
      Object.entries(properties).map(([name, each]) => [name, structural(each)]),
    );
  } else if (isEmpty(additionalProperties)) made['x-kubernetes-preserve-unknown-fields'] = true;
  else if (additionalProperties) made.additionalProperties = structural(additionalProperties);
  return made;
}

function isEmpty(schema: StructuralSchema | undefined): boolean {
  return typeof schema === 'object' && Object.keys(schema).length === 0;
}
