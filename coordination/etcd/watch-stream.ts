import {
  castGrpcErrorMessage,
  type Etcd3,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  type IWatchResponse,
} from 'etcd3';
import { transient } from '../../core/errors.ts';
import { fromPair, toRange } from './protocol.ts';
import type { WatchEvent, WatchRequest, WatchSink, WatchStream } from './transport.ts';

type Duplex = Awaited<ReturnType<Etcd3['watchClient']['watch']>>;

/** One watch on its own stream: etcd3's watchers lose events when they reconnect, and a stream that hangs would affect all of them. */
export function openWatch(client: Etcd3, request: WatchRequest, sink: WatchSink): WatchStream {
  let stream: Duplex | undefined;
  let isOver = false;
  let wantsProgress = false;
  const end = (error: unknown) => {
    if (isOver) return;
    isOver = true;
    hangUp(stream);
    sink.onEnd(error instanceof Error ? error : new Error(String(error)));
  };
  const open = async () => {
    stream = await client.watchClient.watch();
    stream.on('error', end);
    stream.on('end', () => end(transient('EtcdUnavailable', 'etcd ended the watch')));
    if (isOver) {
      hangUp(stream);
      return;
    }
    stream.on('data', (response) => {
      if (isOver) return;
      try {
        deliver(response, request, sink, end);
      } catch (error) {
        // A response without a required field: an exception here would end the process.
        end(error);
      }
    });
    // Starts at the last revision seen, not the next one: a watch that starts in the future gets no progress events.
    stream.write({
      create_request: {
        ...toRange(request),
        start_revision: String(request.afterRevision),
        progress_notify: true,
      },
    });
    if (wantsProgress) stream.write({ progress_request: {} });
  };
  open().catch(end);
  return {
    requestProgress() {
      if (stream === undefined) wantsProgress = true;
      else if (!isOver) stream.write({ progress_request: {} });
    },
    close() {
      isOver = true;
      hangUp(stream);
    },
  };
}

/**
 * The stream is ended first: etcd3 attributes the error of a cancelled stream that is still writable to the host, and closes all its
 * streams.
 */
function hangUp(stream: Duplex | undefined): void {
  stream?.end();
  stream?.cancel();
}

function deliver(
  response: IWatchResponse,
  { afterRevision, cluster }: WatchRequest,
  sink: WatchSink,
  end: (error: Error) => void,
): void {
  if (response.canceled) {
    end(cancelled(response));
    return;
  }
  if (response.header.cluster_id !== cluster) {
    end(transient('EtcdReplaced', 'etcd was restored or replaced'));
    return;
  }
  if (response.created) return;
  const revision = BigInt(response.header.revision);
  if (response.watch_id === noWatch) {
    sink.onProgress(revision);
    return;
  }
  const events = response.events
    .filter(({ kv }) => BigInt(kv.mod_revision) > afterRevision)
    .map(
      (event): WatchEvent => ({ kind: event.type === 'Put' ? 'put' : 'delete', pair: fromPair(event.kv) }),
    );
  if (events.length === 0 && response.events.length > 0) return;
  // While a watch catches up, the header's revision is ahead of what was delivered.
  sink.onEvents(events, events.at(-1)?.pair.modRevision ?? revision);
}

function cancelled({ compact_revision: compacted, cancel_reason: reason }: IWatchResponse): Error {
  if (compacted !== '0')
    return transient('EtcdCompacted', `etcd has compacted everything before revision ${compacted}`);
  // Classifies the reason's text like the error of a refused call.
  const known = castGrpcErrorMessage(reason);
  const isAboutRights =
    known instanceof EtcdPermissionDeniedError || known instanceof EtcdInvalidAuthTokenError;
  return isAboutRights ? known : transient('EtcdUnavailable', `etcd cancelled the watch: ${reason}`);
}

/** The watch id in a response about the whole stream. */
const noWatch = '-1';
