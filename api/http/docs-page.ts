import { randomBytes } from 'node:crypto';
import type { OpenApiDocument } from './openapi.ts';
import type { ReplyHead } from './route.ts';
import { securityHeaders } from './security-headers.ts';

const style = `body{font:14px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
code,pre{font:12px/1.5 ui-monospace,monospace}pre{background:#f4f5f7;padding:.5rem;overflow:auto}
details{border-top:1px solid #d5d9e0;padding:.4rem 0}summary{cursor:pointer}b{display:inline-block;width:4.5rem}
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}pre{background:#1f2328}details{border-color:#343a42}}`;

/** The OpenAPI document as one page without scripts. */
export function docsPage(document: OpenApiDocument, reply: ReplyHead): string {
  const nonce = randomBytes(16).toString('base64');
  const policy = securityHeaders(nonce, false)['content-security-policy'] ?? '';
  reply.header('content-security-policy', policy);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { summary, parameters = [], requestBody, responses } = operation;
      const part = (title: string, value: unknown) =>
        value === undefined ? '' : `<p>${title}</p><pre>${escaped(JSON.stringify(value, null, 2))}</pre>`;
      return `<details><summary><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>
${part('Parameters', parameters.length === 0 ? undefined : parameters)}${part('Body', requestBody)}${part('Answers', responses)}</details>`;
    }),
  );
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details id="${escaped(name)}"><summary><code>${escaped(name)}</code></summary><pre>${escaped(JSON.stringify(schema, null, 2))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API of Idra</title>
<meta name="viewport" content="width=device-width"><style nonce="${nonce}">${style}</style></head><body>
<h1>API of Idra ${escaped(document.info.version)}</h1><p>${escaped(document.info.description)}</p>
<h2>Operations</h2>${operations.join('\n')}<h2>Schemas</h2>${schemas.join('\n')}</body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
