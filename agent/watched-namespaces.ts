import { permanent } from '../core/errors.ts';
import type { ManifestObject, ManifestReader } from '../core/manifest/reader.ts';

type Reads = Pick<ManifestReader, 'readSync' | 'readDataSource'>;

/**
 * Reads nothing from other namespaces, so that nothing of them is run, checked or planned, whatever etcd holds: data of a namespace that
 * was removed from the list may still exist, and a writer of etcd may name any. Empty: all are watched.
 */
export function withinNamespaces(manifests: Reads, watched: readonly string[]): Reads {
  if (watched.length === 0) return manifests;
  const require = ({ namespace }: Pick<ManifestObject, 'namespace'>) => {
    if (watched.includes(namespace)) return;
    throw permanent('NamespaceNotWatched', `the agents do not watch namespace ${namespace}`, {
      fix: 'add it to IDRA_WATCH_NAMESPACES (the chart: watchNamespaces), or move its objects',
    });
  };
  return {
    readSync(object) {
      require(object);
      return manifests.readSync(object);
    },
    readDataSource(object) {
      require(object);
      return manifests.readDataSource(object);
    },
  };
}
