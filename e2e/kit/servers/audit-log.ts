import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{ level: Metadata }]
`;

interface AuditEntry {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly apiGroup?: string;
    readonly subresource?: string;
  };
}

/** Flags with which the API server records who calls what. */
export async function startAudit(folder: string): Promise<readonly string[]> {
  await writeFile(join(folder, 'audit-policy.yaml'), policy);
  return [`--audit-policy-file=${join(folder, 'audit-policy.yaml')}`, `--audit-log-path=${logIn(folder)}`];
}

/** What the user has called, in the words of RBAC. */
export async function usesIn(folder: string, user: string): Promise<readonly string[]> {
  const lines = (await readFile(logIn(folder), 'utf8')).split('\n');
  const uses = lines.slice(0, -1).flatMap((line) => {
    const { user: by, verb, objectRef } = JSON.parse(line) as AuditEntry;
    if (by.username !== user || objectRef === undefined) return [];
    const { resource, apiGroup = '', subresource } = objectRef;
    return [useOf(verb, subresource === undefined ? resource : `${resource}/${subresource}`, apiGroup)];
  });
  return [...new Set(uses)].sort();
}

/** `patch syncs/status.idra.dev`. */
export function useOf(verb: string, resource: string, group: string): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
}

function logIn(folder: string): string {
  return join(folder, 'audit.log');
}
