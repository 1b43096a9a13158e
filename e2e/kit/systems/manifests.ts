import type { Address } from './test-database.ts';

type ServerType = 'postgres' | 'mysql' | 'sqlserver';

/**
 * Without TLS SQL Server has no login that hides the password. The server that stands in for it takes seconds for a session on a busy
 * machine.
 */
const cleartextFields =
  ', tls: { mode: Disable }, allowCleartextPassword: true, parameters: { connect_timeout: "60" }';

/** Each document is followed by `---`; the DataSource takes its password from the Secret with its name. */
export function secretManifest(name: string, password: string): string {
  return secretsManifest(name, { password });
}

export function secretsManifest(name: string, values: Readonly<Record<string, string>>): string {
  const entries = Object.entries(values).map(([key, value]) => `${key}: "${value}"`);
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { ${entries.join(', ')} }
---
`;
}

/** `fields`: the object of the system in YAML. */
export function systemManifest(name: string, fields: string): string {
  return `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  ${fields}
---
`;
}

export function dataSourceManifest(name: string, type: ServerType, to: Address): string {
  const { host, port, database, user } = to;
  const more = type === 'sqlserver' ? cleartextFields : '';
  return systemManifest(
    name,
    `${type}: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ${name}, key: password }${more} }`,
  );
}

export function serverManifest(name: string, type: ServerType, to: Address): string {
  return secretManifest(name, to.password) + dataSourceManifest(name, type, to);
}
