import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Problem } from './http/problem.ts';
import type { Method } from './http/route.ts';
import { problem } from './schemas/common.ts';
import type { TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec, startCluster, type TestCluster } from './test-cluster.ts';

type Schema = Readonly<Record<string, unknown>>;
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** They end the session, or go on for as long as the client reads. */
const left = new Set(['logout', 'deleteSessions', 'watch', 'deleteUser', 'setOwnPassword', 'updateUser']);
const runsOfEach = 25;

/**
 * Calls every operation of the OpenAPI document with values that fit its schema, that nearly fit, and that do not. No answer may be a 5xx
 * (but that no agent runs), and each must be as described: the server of tests checks its own answers, problems are checked here.
 */
describe('the API under random requests', () => {
  let cluster: TestCluster;
  let admin: TestClient;
  let document: Document;
  before(async () => {
    cluster = await startCluster();
    admin = await cluster.api.admin();
    for (const name of ['shop', 'warehouse'])
      await admin.send('POST', '/datasources/team-a', { name, spec: postgresSpec('db') });
    await admin.send('POST', '/syncs/team-a', { name: 'orders', spec: ordersSpec() }).catch(() => {});
    document = await admin.get<Document>('/openapi.json');
  });
  after(() => cluster?.stop());

  const anything = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(
      '__proto__',
      'constructor',
      '../..',
      '%00',
      "'; --",
      '\u0000',
      '9'.repeat(400),
      'team-a',
      'orders',
      'shop',
    ),
  );

  /** Values by the schema, now and then something else. */
  const someValue = (schema: Schema, depth = 0): fc.Arbitrary<unknown> => {
    const fitting = fittingValue(schema, depth);
    return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: anything });
  };

  const fittingValue = (schema: Schema, depth: number): fc.Arbitrary<unknown> => {
    const {
      type,
      enum: values,
      anyOf,
      allOf,
      properties,
      items,
      required,
      additionalProperties,
      $ref,
      minimum = 0,
      maximum = 1_000,
    } = schema as {
      type?: string;
      enum?: unknown[];
      anyOf?: Schema[];
      allOf?: Schema[];
      properties?: Record<string, Schema>;
      items?: Schema;
      required?: string[];
      additionalProperties?: Schema | boolean;
      $ref?: string;
      minimum?: number;
      maximum?: number;
    };
    if (depth > 6) return fc.constant({});
    const target = $ref ?? (allOf?.[0]?.$ref as string | undefined);
    if (target)
      return fittingValue(document.components.schemas[target.split('/').at(-1) ?? ''] ?? {}, depth + 1);
    if (values) return fc.constantFrom(...values);
    if (anyOf) return fc.oneof(...anyOf.map((each) => someValue(each, depth + 1)));
    switch (type) {
      case 'object': {
        if (!properties)
          return fc.dictionary(
            fc.string({ maxLength: 10 }),
            someValue(typeof additionalProperties === 'object' ? additionalProperties : {}, depth + 1),
            { maxKeys: 3 },
          );
        const fields = Object.fromEntries(
          Object.entries(properties).map(([name, each]) => [name, fieldValue(name, each, depth + 1)]),
        );
        return fc.record(fields, { requiredKeys: (required ?? []).filter((name) => name in fields) });
      }
      case 'array':
        return fc.array(someValue(items ?? {}, depth + 1), { maxLength: 3 });
      case 'integer':
        return fc.oneof(
          { weight: 5, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }) },
          { weight: 1, arbitrary: fc.maxSafeInteger() },
        );
      case 'number':
        return fc.double();
      case 'boolean':
        return fc.boolean();
      default:
        return fc.oneof(
          fc.string({ maxLength: 30 }),
          fc.constantFrom('orders', 'shop', 'team-a', 'admin', '10s'),
        );
    }
  };

  /** Of parameters and fields that name something: mostly what exists, or would do. */
  const usual: Readonly<Record<string, readonly unknown[]>> = {
    namespace: ['team-a'],
    name: ['orders', 'shop', 'warehouse', 'new'],
    'If-Match': ['*'],
    spec: [ordersSpec(), postgresSpec('other')],
    sort: ['name', '-name', 'lag'],
    before: ['1234567890123-0123456789ab'],
    targets: [[{ namespace: 'team-a', name: 'orders' }]],
    labels: [{ tier: 'gold' }],
    wait: ['0'],
    expiresAt: [new Date(Date.now() + 86_400_000).toISOString()],
    grants: [[{ role: 'viewer', namespaces: ['*'] }]],
  };
  const fieldValue = (name: string, schema: Schema, depth: number): fc.Arbitrary<unknown> => {
    const values = usual[name];
    if (!values) return someValue(schema, depth);
    return fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...values) },
      { weight: 1, arbitrary: someValue(schema, depth) },
    );
  };

  const parameterText = (value: unknown) =>
    encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed());

  test('no answer is a 5xx, and each is as described', async () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase() as Method,
        operation,
      })),
    );
    assert.ok(operations.length > 40);
    const answered = new Set<string>();
    for (const { path, method, operation } of operations) {
      if (left.has(operation.operationId)) continue;
      const parameters = operation.parameters ?? [];
      const body = operation.requestBody?.content['application/json'].schema;
      const requests = fc.record({
        parameters: fc.record(
          Object.fromEntries(parameters.map((each) => [each.name, fieldValue(each.name, each.schema, 0)])),
        ),
        body: body ? someValue(body) : fc.constant(undefined),
      });
      await fc.assert(
        fc.asyncProperty(requests, async (request) => {
          const given = request.parameters as Readonly<Record<string, unknown>>;
          const url = path.replaceAll(
            /\{(\w+)\}/g,
            (_all, name: string) => parameterText(given[name]) || '-',
          );
          const query = parameters
            .filter((each) => each.in === 'query' && given[each.name] !== undefined)
            .map((each) => `${each.name}=${parameterText(given[each.name])}`)
            .join('&');
          const sent = body === undefined ? {} : { body: request.body === undefined ? null : request.body };
          const answer = await admin.call(`${url}?${query}`, { method, ...sent });
          const text = JSON.stringify(answer.body);
          if (answer.status < 400) answered.add(operation.operationId);
          if (answer.status < 400) return;
          const found = problem.parse(answer.body) as Problem;
          const isQuiet =
            answer.status === 503 && ['NoAgentAnswered', 'RequestUnanswered'].includes(found.code);
          assert.ok(answer.status < 500 || isQuiet, `${method} ${url}?${query}: ${text}`);
          assert.equal(found.status, answer.status);
        }),
        { numRuns: runsOfEach, endOnFailure: true },
      );
    }
    assert.ok(answered.size > 25, `only ${[...answered].join()} were ever accepted`);
  });
});
