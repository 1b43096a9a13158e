import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { bug } from '../../../core/errors.ts';
import { ofOwnStatement } from '../../sql/error-class.ts';
import { DestinationFile } from '../destination/destination-file.ts';
import { toIdraError, toPlain } from '../errors.ts';
import { type Answer, type Call, type FileRole, ownBuffers } from '../session.ts';
import { SourceFile } from '../source/source-file.ts';
import { SystemFile } from '../system-file.ts';

/** The other side of session.ts: one open file, whose methods run one after the other. */
new Database(':memory:').close(); // loads the addon
parentPort?.postMessage({ isLoaded: true } satisfies Answer);
const role = workerData as FileRole;
const target = open(role);
const methods = target as unknown as Readonly<Record<string, ((...args: unknown[]) => unknown) | undefined>>;

parentPort?.on('message', ({ id, method, args }: Call) => {
  const { answer, transfer } = run(id, method, args);
  parentPort?.postMessage(answer, transfer);
});

function open(of: FileRole): SourceFile | DestinationFile | SystemFile {
  switch (of.role) {
    case 'source':
      return new SourceFile(of, of.object);
    case 'destination':
      return new DestinationFile(of, of.object);
    case 'system':
      return new SystemFile(of);
  }
}

function run(id: number, method: string, args: unknown[]): { answer: Answer; transfer: ArrayBuffer[] } {
  try {
    const call = methods[method];
    if (!call) throw bug(`a file has no method ${method}`);
    const result = call.apply(target, args);
    return { answer: { id, result }, transfer: buffersOf(result) };
  } catch (thrown) {
    const error = toIdraError(thrown, role.file);
    const isReading = role.role !== 'destination';
    return { answer: { id, error: toPlain(isReading ? error : ofOwnStatement(error)) }, transfer: [] };
  }
}

/** Packed rows are moved, not copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  return typeof result === 'object' && result !== null && 'packed' in result ? ownBuffers(result.packed) : [];
}
