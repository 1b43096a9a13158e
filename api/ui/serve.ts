import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { permanent } from '../../core/errors.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { readUi, type UiFile, type UiFiles } from './files.ts';

export interface UiOptions {
  readonly basePath: string;
  readonly isSecure: boolean;
  readonly folder: string | undefined;
}

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Idra</title>
<p>The web UI is not built in this checkout: run <code>make ui</code> and restart. The API is at <code>api/v1</code>.</p></html>`;

/** The web UI: its files, and its page for every other path that is not of the API, because the page has its own routes. */
export function addUi(app: FastifyInstance, options: UiOptions): void {
  const files = readUi(options.folder);
  const { basePath } = options;
  if (basePath !== '') app.get(basePath, (_request, reply) => reply.redirect(`${basePath}/`, 308));
  app.get(`${basePath}/assets/:name`, (request, reply) => sendAsset(files, request, reply));
  app.get(`${basePath}/*`, (request, reply) => {
    const path = request.url.slice(basePath.length).split('?')[0] ?? '';
    if (path === '/api' || path.startsWith('/api/') || !acceptsPage(request)) throw noSuchPath();
    return sendPage(files, options, reply);
  });
}

function sendPage(files: UiFiles | undefined, { basePath, isSecure }: UiOptions, reply: FastifyReply) {
  const nonce = randomBytes(16).toString('base64');
  const page = files?.page
    .replaceAll('__IDRA_NONCE__', nonce)
    .replaceAll('__IDRA_BASE__', basePath)
    .replaceAll('"./assets/', `"${basePath}/assets/`);
  return (
    reply
      .headers(securityHeaders(nonce, isSecure))
      // Asked for while the script is loaded, which asks for it first.
      .header('link', `<${basePath}/api/v1/session>; rel=preload; as=fetch; crossorigin`)
      .type('text/html; charset=utf-8')
      .send(page ?? notBuilt)
  );
}

function sendAsset(files: UiFiles | undefined, request: FastifyRequest, reply: FastifyReply) {
  const { name } = request.params as { readonly name: string };
  const file = files?.assets.get(name);
  if (!file) throw noSuchPath();
  const accepted = request.headers['accept-encoding'] ?? '';
  const [encoding, content] = encoded(file, accepted);
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return reply
    .headers({ 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' })
    .type(file.contentType)
    .send(content);
}

function encoded({ br, gzip, plain }: UiFile, accepted: string): readonly [string | undefined, Buffer] {
  if (br && /\bbr\b/.test(accepted)) return ['br', br];
  if (gzip && /\bgzip\b/.test(accepted)) return ['gzip', gzip];
  return [undefined, plain];
}

/** A browser that opens an address; scripts that mistype a path of the API get a problem instead of a page. */
function acceptsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true;
}

function noSuchPath(): Error {
  return permanent('RouteNotFound', 'there is no such path');
}
