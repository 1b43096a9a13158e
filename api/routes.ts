import { type OpenApiDocument, openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { aboutRoutes } from './routes/about.ts';
import { agentRoutes } from './routes/agents.ts';
import { auditRoutes } from './routes/audit.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { objectRoutes } from './routes/change-objects.ts';
import { syncChangeRoutes } from './routes/change-syncs.ts';
import { clusterRoutes } from './routes/cluster.ts';
import { dataSourceRoutes } from './routes/data-sources.ts';
import { examineRoutes } from './routes/examine.ts';
import { liveRoutes } from './routes/live.ts';
import { oidcRoutes } from './routes/oidc.ts';
import { secretRoutes } from './routes/secrets.ts';
import { sessionRoutes } from './routes/session.ts';
import { syncBatchRoutes } from './routes/sync-batches.ts';
import { syncRoutes } from './routes/syncs.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { trendRoutes } from './routes/trends.ts';
import { userRoutes } from './routes/users.ts';
import type { Services } from './services.ts';

/** Every operation of the API. */
export function allRoutes(services: Services): readonly Route[] {
  let document: OpenApiDocument | undefined;
  const routes: readonly Route[] = [
    ...aboutRoutes(() => {
      document ??= openApiDocument(routes, services.config.basePath);
      return document;
    }),
    ...sessionRoutes(services),
    ...oidcRoutes(services),
    ...tokenRoutes(services),
    ...userRoutes(services),
    ...auditRoutes(services),
    ...syncRoutes(services),
    ...dataSourceRoutes(services),
    ...clusterRoutes(services),
    ...agentRoutes(services),
    ...objectRoutes(services),
    ...syncChangeRoutes(services),
    ...bulkRoutes(services),
    ...syncBatchRoutes(services),
    ...secretRoutes(services),
    ...liveRoutes(services),
    ...examineRoutes(services),
    ...trendRoutes(services),
  ];
  return routes;
}
