import { z } from 'zod';
import { version } from '../../core/version.ts';
import { docsPage } from '../http/docs-page.ts';
import { type Route, route } from '../http/route.ts';

const tag = 'About';

const versionAnswer = z.strictObject({ version: z.string() }).meta({ id: 'Version' });

/** `document`: the OpenAPI document, which describes these routes as well. */
export function aboutRoutes(document: () => unknown): readonly Route[] {
  return [
    route({
      id: 'getVersion',
      method: 'GET',
      path: '/version',
      tag,
      summary: 'Version of Idra',
      answer: versionAnswer,
      handle: async () => ({ version }),
    }),
    route({
      id: 'getOpenApi',
      method: 'GET',
      path: '/openapi.json',
      tag,
      summary: 'This description of the API (OpenAPI 3.1)',
      answer: z.looseObject({ openapi: z.string() }),
      handle: async () => document() as { openapi: string },
    }),
    route({
      id: 'getDocs',
      method: 'GET',
      path: '/docs',
      tag,
      summary: 'The same as a page',
      contentType: 'text/html',
      handle: async ({ reply }) => docsPage(document() as never, reply),
    }),
  ];
}
