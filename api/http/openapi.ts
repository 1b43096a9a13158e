import { z } from 'zod';
import { definitions } from '../../connectors/catalog.ts';
import type { SystemFields } from '../../core/definition.ts';
import { version } from '../../core/version.ts';
import { accessTo } from '../access/table.ts';
import { dataSourceSpec } from '../schemas/cluster.ts';
import { problem } from '../schemas/common.ts';
import { live } from '../schemas/live.ts';
import { syncSpec } from '../schemas/syncs.ts';
import type { Route } from './route.ts';

type Schema = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly object[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, object>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: object;
  };
  /** Which fields of `spec.source` and `spec.destination` each system has, those that name its objects first. */
  readonly 'x-systems': Readonly<Record<string, SystemFields>>;
}

/** Generated from the schemas by which the routes check their requests. */
export function openApiDocument(routes: readonly Route[], basePath: string): OpenApiDocument {
  const schemas: Record<string, Schema> = {};
  const paths: Record<string, Record<string, Operation>> = {};
  // Named by bodies whose parts are checked as manifests, and by messages of streams.
  for (const each of [problem, syncSpec, dataSourceSpec, live]) schemaOf(each, 'input', schemas);
  for (const each of routes) {
    const methods = paths[each.path] ?? {};
    paths[each.path] = methods;
    methods[each.method.toLowerCase()] = operationOf(each, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Idra',
      version,
      description:
        'Syncs, data sources, agents, users and audit log of one installation. Errors are problem+json; a change of an object needs If-Match with its version.',
    },
    servers: [{ url: `${basePath}/api/v1` }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: '__Host-idra-session' },
        csrf: { type: 'apiKey', in: 'header', name: 'x-idra-csrf' },
        token: { type: 'http', scheme: 'bearer' },
      },
    },
    'x-systems': Object.fromEntries(definitions.map(({ type, fields }) => [type, fields])),
  };
}

function operationOf(route: Route, schemas: Record<string, Schema>): Operation {
  const { id, summary, tag, method, status = 200, answer, body, contentType } = route;
  const access = accessTo(id);
  const isPublic = access.who === 'public';
  const session = method === 'GET' ? { session: [] } : { session: [], csrf: [] };
  const allowsToken = !('isForPerson' in access) && access.who !== 'passwordSetter';
  const parameters = parametersOf(route, schemas);
  return {
    operationId: id,
    summary,
    tags: [tag],
    security: isPublic ? [] : [session, ...(allowsToken ? [{ token: [] }] : [])],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(body, 'input', schemas) } },
      },
    }),
    responses: {
      [status]: {
        description: 'Success',
        ...(status !== 204 &&
          status !== 302 && {
            content: {
              [contentType ?? 'application/json']: answer
                ? { schema: schemaOf(answer, 'output', schemas) }
                : {},
            },
          }),
      },
      default: {
        description: 'Error',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function parametersOf(route: Route, schemas: Record<string, Schema>): readonly object[] {
  const of = (schema: z.ZodType | undefined, place: 'path' | 'query') => {
    if (!schema) return [];
    const { properties = {}, required = [] } = schemaOf(schema, 'input', schemas) as {
      properties?: Record<string, Schema>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description, ...rest }]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    }));
  };
  const isChecked = route.method === 'PUT' || route.method === 'PATCH' || route.method === 'DELETE';
  const ifMatch = { name: 'If-Match', in: 'header', required: false, schema: { type: 'string' } };
  return [...of(route.params, 'path'), ...of(route.query, 'query'), ...(isChecked ? [ifMatch] : [])];
}

/** Named schemas become components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, Schema>): Schema {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema & {
    $defs?: Record<string, Schema>;
    $schema?: string;
    id?: string;
  };
  const { $defs = {}, $schema: _dialect, ...rest } = json;
  for (const [name, each] of Object.entries($defs)) schemas[name] ??= hoisted(each);
  const own = z.globalRegistry.get(schema)?.id;
  if (own === undefined) return hoisted(rest);
  schemas[own] ??= hoisted(rest);
  return { $ref: `#/components/schemas/${own}` };
}

function hoisted(schema: Schema): Schema {
  const text = JSON.stringify(schema, (name, value) =>
    // A property may be called id as well: its value is a schema, not text.
    typeof value === 'string' && (name === 'id' || name === '$schema') ? undefined : value,
  );
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as Schema;
}
