import { offsetEffect } from '../../agent/engine/offset-effect.ts';
import { checkSystem, discoverSystem, endsOf, previewSync } from '../../agent/engine/preview.ts';
import { previewRows } from '../../agent/engine/preview-rows.ts';
import { definitionOf, manifests as reader } from '../../connectors/catalog.ts';
import type { OffsetSubject, PreviewSubject } from '../../coordination/contract.ts';
import type { StateFile } from '../../coordination/single/state-file.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestObject } from '../../core/manifest/reader.ts';
import type { DataSource } from '../../core/sync-spec.ts';
import type { AskAgent } from '../../fleet/ask-agents.ts';
import { withDeadline } from '../../process/signals.ts';
import { findDataSource, type Manifests } from '../manifests.ts';

interface LocalAsker {
  readonly manifests: Manifests;
  readonly state: StateFile;
  readonly signal: AbortSignal;
}

const answerMs = 25_000;

/** Single mode has no agents: this process runs the Syncs, so it also answers what is asked about systems. */
export function localAsker({ manifests, state, signal: outer }: LocalAsker): AskAgent {
  const { secrets } = manifests;
  const find = findDataSource(manifests);
  const require = (name: string): DataSource => {
    const [namespace = '', short = ''] = name.split('/');
    const found = find(namespace, short);
    if (found) return found;
    throw permanent('DataSourceNotFound', `there is no DataSource ${name}`);
  };
  const wholeSync = (subject: unknown) => {
    const sync = reader.readSync(subject as ManifestObject);
    const ends = endsOf(sync, find);
    if (!ends) throw permanent('DataSourceNotFound', 'a DataSource of the Sync is missing');
    return { sync, ...ends, secrets, definitionOf, storedOffset: state.readOffset(sync.uid) };
  };
  return async (kind, subject) =>
    await withDeadline(answerMs, outer, async (signal) => {
      switch (kind) {
        case 'check':
          return await checkSystem({ dataSource: require(String(subject)), secrets, definitionOf }, signal);
        case 'discover':
          return await discoverSystem(
            { dataSource: require(String(subject)), secrets, definitionOf },
            signal,
          );
        case 'preview': {
          const { dataSource, object, maxRows } = subject as PreviewSubject;
          return await previewRows(
            { dataSource: require(dataSource), object, maxRows, secrets, definitionOf },
            signal,
          );
        }
        case 'plan':
          return await previewSync(wholeSync(subject), signal);
        case 'offset': {
          const { sync, value } = subject as OffsetSubject;
          return await offsetEffect({ ...wholeSync(sync), value }, signal);
        }
        case 'moves':
        case 'rebalance':
          throw permanent('NotOfferedHere', 'in single mode there are no agents');
      }
    });
}
