import { Readable } from 'node:stream';
import type { AuditEntry } from '../audit/contract.ts';
import { type Route, route, StreamedAnswer } from '../http/route.ts';
import { auditList, auditQuery } from '../schemas/users.ts';
import type { Services } from '../services.ts';

const tag = 'Audit';

export function auditRoutes({ audit }: Services): readonly Route[] {
  return [
    route({
      id: 'listAudit',
      method: 'GET',
      path: '/audit',
      tag,
      summary: 'Who changed what, newest first',
      query: auditQuery,
      answer: auditList,
      async handle({ query }) {
        const { user, action, object, namespace } = query;
        const isWanted = (entry: AuditEntry) =>
          (user === undefined || entry.by.user === user) &&
          (action === undefined || entry.action === action) &&
          (object === undefined || entry.object.includes(object)) &&
          (namespace === undefined || entry.namespace === namespace);
        return await audit.page(query.before, query.limit, isWanted);
      },
    }),
    route({
      id: 'exportAudit',
      method: 'GET',
      path: '/audit/export',
      tag,
      summary: 'The whole audit log as JSON Lines, newest first',
      contentType: 'application/jsonl',
      async handle({ reply }) {
        reply.header('content-disposition', 'attachment; filename="idra-audit.jsonl"');
        return new StreamedAnswer('application/jsonl', Readable.from(lines(audit.entries())));
      },
    }),
  ];
}

async function* lines(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}
