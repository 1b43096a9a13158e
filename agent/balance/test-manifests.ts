import type { DesiredDataSource, DesiredSync, New } from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { Manifests } from './wanted.ts';

/** The fields of a manifest that the balancer reads. */
interface ShortSpec {
  readonly source?: { readonly dataSource: string };
  readonly destination?: { readonly dataSource: string };
  readonly suspend?: boolean;
  readonly weight?: number;
  readonly zone?: string;
}

export const shortManifests: Manifests = {
  needsOfSync({ spec, namespace }) {
    const { source, destination, suspend = false, weight, zone } = spec as ShortSpec;
    if (!source || !destination) throw permanent('ManifestInvalid', 'an end is missing', { path: 'spec' });
    const placement = { agentSelector: zone === undefined ? {} : { zone } };
    return {
      source: `${namespace}/${source.dataSource}`,
      destination: `${namespace}/${destination.dataSource}`,
      isSuspended: suspend,
      placement: weight === undefined ? placement : { ...placement, weight },
    };
  },
  needsOfDataSource: () => ({ placement: { agentSelector: {} } }),
};

const dates = { generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };

export function shortSync(uid: string, spec: ShortSpec = {}): New<DesiredSync> {
  const ends = { source: { dataSource: 'shop' }, destination: { dataSource: 'warehouse' } };
  return { uid, namespace: 'default', name: uid, ...dates, spec: { ...ends, ...spec } };
}

export function shortDataSource(name: string): New<DesiredDataSource> {
  return { uid: `uid-${name}`, namespace: 'default', name, ...dates, spec: {} };
}
