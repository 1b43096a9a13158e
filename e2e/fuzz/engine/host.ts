import type { RunContext } from '../../../agent/engine/context.ts';
import { runSync } from '../../../agent/engine/run-sync.ts';
import { EngineShared } from '../../../agent/engine/shared.ts';
import { definitionOf, manifests } from '../../../connectors/catalog.ts';
import { openStateFile } from '../../../coordination/single/state-file.ts';
import { systemClock } from '../../../core/clock.ts';
import { permanent, Stopped } from '../../../core/errors.ts';
import { silentLog } from '../../../core/log.ts';
import { Secret } from '../../../core/secret.ts';
import type { EngineSync, FromEngine, ToEngine } from './messages.ts';

/**
 * The engine in its own process, as in `idra run`, over single mode's state file. But Syncs can be added and removed while it runs, and
 * it reports when passes begin and end. Killing this process is like killing Idra.
 */
const state = openStateFile(process.argv[2] ?? '');
const running = new Map<string, AbortController>();
const namespace = 'default';

function send(message: FromEngine): void {
  process.send?.(message);
}

const shared = new EngineShared(systemClock);
const nameByUid = new Map<string, string>();
state.onReport((status) => {
  const name = nameByUid.get(status.uid);
  if (name !== undefined) send({ event: 'status', name, status });
});

function contextOf(
  { name, spec, source, destination, passwords }: EngineSync,
  stop: AbortSignal,
): Omit<RunContext, 'lock' | 'observer'> {
  const { uid } = state.identify(namespace, name);
  nameByUid.set(uid, name);
  const identity = { namespace, generation: 1 };
  const dataSource = (end: string, of: EngineSync['source']) =>
    manifests.readDataSource({ ...identity, uid: `${name}-${end}`, name: `${name}-${end}`, spec: of });
  return {
    sync: manifests.readSync({ ...identity, uid, name, spec }),
    source: dataSource('source', source),
    destination: dataSource('destination', destination),
    stop,
    store: state.store,
    shared,
    secrets: {
      read: async (_namespace: string, secret: string) => {
        const password = passwords[secret];
        if (password === undefined) throw permanent('SecretNotFound', `no Secret ${secret}`);
        return new Secret(password);
      },
    },
    definitionOf,
    agentName: 'fuzz',
    clock: systemClock,
    log: silentLog,
  };
}

async function run(sync: EngineSync, stop: AbortController): Promise<void> {
  const { name } = sync;
  try {
    const context = contextOf(sync, stop.signal);
    const lock = await state.store.acquire(context.sync);
    if (!lock) throw new Error(`${name} runs already`);
    const observer: RunContext['observer'] = {
      batchWritten() {},
      passEnded: (_sync, { durationMs }) => send({ event: 'pass', name, startMs: Date.now() - durationMs }),
      attemptFailed: (_sync, error) => send({ event: 'failure', name, ...error, atMs: Date.now() }),
    };
    try {
      await runSync({ ...context, lock, observer });
    } finally {
      await lock.release();
    }
    send({ event: 'end', name });
  } catch (error) {
    send({
      event: 'end',
      name,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  } finally {
    running.delete(name);
  }
}

process.on('message', (message: ToEngine) => {
  switch (message.do) {
    case 'add': {
      const stop = new AbortController();
      running.set(message.sync.name, stop);
      void run(message.sync, stop);
      break;
    }
    case 'remove':
      running.get(message.name)?.abort(new Stopped('shutdown'));
      break;
    case 'request': {
      const known = state.find(namespace, message.name);
      if (known) state.post(known.uid, { type: message.type, id: message.id });
      break;
    }
  }
});
process.on('SIGTERM', () => {
  for (const stop of running.values()) stop.abort(new Stopped('shutdown'));
  const timer = setInterval(() => {
    if (running.size > 0) return;
    clearInterval(timer);
    state.close();
    process.exit(0);
  }, 20);
});
process.on('disconnect', () => process.exit(1));
send({ event: 'ready' });
