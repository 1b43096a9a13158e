import { definitionOf } from '../../connectors/catalog.ts';
import type { Batch } from '../../core/batch.ts';
import type { Destination, Source } from '../../core/connector.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';

export interface Between {
  /** Called before a pass, or a check for new rows, begins to read. */
  readonly beforeRead?: () => Promise<void> | void;
  /** Called before each batch is handed on. */
  readonly beforeBatch?: (source: Source) => Promise<void> | void;
  /** Replaces each batch. */
  readonly batch?: (batch: Batch) => Batch;
  /** Called before each of these; what it throws is thrown. */
  readonly before?: (
    call: 'write' | 'beginPass' | 'endPass',
    destination: Destination,
  ) => Promise<void> | void;
}

/** For tests: the systems of the catalog with hooks between them and the engine. */
export function withBetween(between: Between): typeof definitionOf {
  return (type) => {
    const definition = definitionOf(type);
    return {
      ...definition,
      async load() {
        const connector = await definition.load();
        return {
          ...connector,
          types: connector.types,
          check: (...args) => connector.check(...args),
          discover: (...args) => connector.discover(...args),
          openSource: async (...args) => observedSource(await connector.openSource(...args), between),
          openDestination: async (...args) => {
            const destination = await connector.openDestination(...args);
            return holdsOffsets(destination) ? observedDestination(destination, between) : destination;
          },
        };
      },
    };
  };
}

function observedSource(source: Source, { beforeRead, beforeBatch, batch }: Between): Source {
  return replaced(source, {
    async *read(...args: Parameters<Source['read']>) {
      await beforeRead?.();
      const batches = source.read(...args);
      try {
        for (;;) {
          const next = await batches.next();
          if (next.done) return next.value;
          await beforeBatch?.(source);
          yield batch ? batch(next.value) : next.value;
        }
      } finally {
        await batches.return(undefined as never);
      }
    },
  });
}

function observedDestination(destination: Destination, { before }: Between): Destination {
  return replaced(destination, {
    async beginPass(...args: Parameters<Destination['beginPass']>) {
      await before?.('beginPass', destination);
      await destination.beginPass(...args);
    },
    async write(...args: Parameters<Destination['write']>) {
      await before?.('write', destination);
      return await destination.write(...args);
    },
    async endPass(...args: Parameters<Destination['endPass']>) {
      await before?.('endPass', destination);
      return await destination.endPass(...args);
    },
  });
}

/** The same object with some of its methods replaced; the others are called on the object itself, which has private fields. */
function replaced<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(methods, name) ?? Reflect.get(object, name, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
