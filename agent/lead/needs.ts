import type { ManifestReader } from '../../core/manifest/reader.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { Manifests } from '../balance/wanted.ts';

/** The balancer's input from manifests, read with the engine's own reader: what the engine would refuse is not assigned. */
export function needsOf(manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>): Manifests {
  return {
    needsOfSync(desired) {
      const { namespace, spec } = manifests.readSync(desired);
      return {
        source: qualifiedName({ namespace, name: spec.source.dataSource }),
        destination: qualifiedName({ namespace, name: spec.destination.dataSource }),
        isSuspended: spec.isSuspended,
        placement: spec.placement,
      };
    },
    needsOfDataSource(desired) {
      const { maxConcurrentSyncs, placement } = manifests.readDataSource(desired).spec;
      return {
        ...(maxConcurrentSyncs ? { maxConcurrentSyncs } : {}),
        placement,
      };
    },
  };
}
