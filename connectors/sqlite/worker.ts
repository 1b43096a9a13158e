import { parentPort, workerData } from 'node:worker_threads';
import { bug } from '../../core/errors.ts';
import { DestinationFile } from './destination-file.ts';
import { toIdraError, toPlain } from './errors.ts';
import { SourceFile } from './source-file.ts';
import type { Answer, Call, FileRole } from './thread.ts';

/** The other side of thread.ts: one open file, whose methods run one after the other. */
const { role, file, object } = workerData as FileRole;
const target = role === 'source' ? new SourceFile(file, object) : new DestinationFile(file, object);
const methods = target as unknown as Readonly<Record<string, ((...args: readonly unknown[]) => unknown) | undefined>>;

parentPort?.on('message', ({ id, method, args }: Call) => {
  const { answer, transfer } = run(id, method, args);
  parentPort?.postMessage(answer, transfer);
});

function run(id: number, method: string, args: readonly unknown[]): { answer: Answer; transfer: ArrayBuffer[] } {
  try {
    const call = methods[method];
    if (!call) throw bug(`a file has no method ${method}`);
    const result = call.apply(target, args);
    return { answer: { id, result }, transfer: buffersOf(result) };
  } catch (thrown) {
    return { answer: { id, error: toPlain(toIdraError(thrown, file)) }, transfer: [] };
  }
}

/** Packed rows are moved, not copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  if (typeof result !== 'object' || result === null || !('packed' in result)) return [];
  const { packed } = result;
  return packed instanceof Uint8Array && packed.byteLength === packed.buffer.byteLength ? [packed.buffer as ArrayBuffer] : [];
}
