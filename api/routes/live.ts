import type { Caller } from '../access/caller.ts';
import { everywhere, namespacesOf } from '../access/roles.ts';
import { type Route, route } from '../http/route.ts';
import { LiveStream } from '../live/stream.ts';
import { topicOf } from '../live/topics.ts';
import { liveQuery } from '../schemas/live.ts';
import type { Services } from '../services.ts';

export function liveRoutes(services: Services): readonly Route[] {
  return [
    route({
      id: 'watch',
      method: 'GET',
      path: '/live',
      tag: 'Live',
      summary: 'Server-sent events: everything that a page shows, and each change of it',
      query: liveQuery,
      contentType: 'text/event-stream',
      async handle({ query, caller, request, authenticateAgain }) {
        return new LiveStream({
          hub: services.hub,
          user: caller.user,
          log: services.log,
          topics: query.topic.map((each) => topicOf(services, each, caller)),
          scope: scopeText(caller),
          lastEventId: request.lastEventId ?? query.lastEventId,
          isAllowed: async () => hasSameRights(caller, await authenticateAgain()),
        });
      },
    }),
  ];
}

/** A user whose rights have changed connects again. */
function hasSameRights(before: Caller, now: Caller | undefined): boolean {
  return now !== undefined && scopeText(now) === scopeText(before);
}

function scopeText({ grants }: Caller): string {
  const namespaces = namespacesOf(grants, 'viewer');
  return namespaces === everywhere ? everywhere : [...namespaces].sort().join();
}
