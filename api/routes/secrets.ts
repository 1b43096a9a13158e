import { Secret } from '../../core/secret.ts';
import { type Route, route } from '../http/route.ts';
import { secretBody } from '../schemas/changes.ts';
import { objectParams } from '../schemas/common.ts';
import type { Services } from '../services.ts';

/** Secrets are written and never read: there is no other operation about them. */
export function secretRoutes({ fleet }: Services): readonly Route[] {
  return [
    route({
      id: 'putSecret',
      method: 'PUT',
      path: '/secrets/{namespace}/{name}',
      tag: 'Secrets',
      summary: 'Set keys of a Secret (Kubernetes); one that was not made by Idra is not changed',
      params: objectParams,
      body: secretBody,
      status: 204,
      async handle(call) {
        const { namespace, name } = call.params;
        const values = new Map(
          Object.entries(call.body.values).map(([key, text]) => [key, new Secret(text)]),
        );
        const change = {
          action: 'putSecret',
          object: `Secret ${namespace}/${name}`,
          namespace,
          after: { keys: [...values.keys()] },
        };
        await call.change(change, () => fleet.putSecret({ namespace, name, values }));
      },
    }),
  ];
}
