/** Public names of the manifests. */
export const group = 'idra.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

export type ManifestKind = 'Sync' | 'DataSource';

/** `"true"` suspends where Git owns the spec. */
export const suspendAnnotation = `${group}/suspend`;
/** `namespace/name` of the installation of Idra whose an object is; written by its operator. */
export const managedByAnnotation = `${group}/managed-by`;
/** Where each kind is in the API: `/apis/idra.dev/v1alpha1/namespaces/NAMESPACE/PLURAL`. */
export const plurals: Readonly<Record<ManifestKind, string>> = { Sync: 'syncs', DataSource: 'datasources' };
export const shortNames: Readonly<Record<ManifestKind, readonly string[]>> = {
  Sync: ['sy'],
  DataSource: ['dsrc'],
};
