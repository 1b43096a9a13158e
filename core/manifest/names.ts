/** Public names of the manifests. */
export const group = 'idra.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

export type ManifestKind = 'Sync' | 'DataSource';

/** `"true"` suspends a Sync whose spec is owned by Git. */
export const suspendAnnotation = `${group}/suspend`;
/** `namespace/name` of the Idra installation that manages an object; written by its operator. */
export const managedByAnnotation = `${group}/managed-by`;
/** Resource name of each kind in the API: `/apis/idra.dev/v1alpha1/namespaces/NAMESPACE/PLURAL`. */
export const plurals: Readonly<Record<ManifestKind, string>> = { Sync: 'syncs', DataSource: 'datasources' };
export const shortNames: Readonly<Record<ManifestKind, readonly string[]>> = {
  Sync: ['sy'],
  DataSource: ['dsrc'],
};
