import type { Address } from './test-database.ts';

type ServerType = 'postgres' | 'mysql' | 'sqlserver';

/** Each document is followed by `---`; the DataSource takes its password from the Secret with its name. */
export function secretManifest(name: string, password: string): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { password: "${password}" }
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
  // Without TLS SQL Server has no login that hides the password. What stands in for it takes seconds for the first statements of a session.
  const more =
    type === 'sqlserver'
      ? ", tls: { mode: Disable }, allowCleartextPassword: true, parameters: { connect_timeout: '60' }"
      : '';
  return systemManifest(
    name,
    `${type}: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ${name}, key: password }${more} }`,
  );
}

export function serverManifest(name: string, type: ServerType, to: Address): string {
  return secretManifest(name, to.password) + dataSourceManifest(name, type, to);
}
