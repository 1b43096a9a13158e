import { Worker } from 'node:worker_threads';

/** What a worker reports now and then. */
export interface Progress {
  readonly done: number;
  readonly isOver: boolean;
}

/** After this long without a message, even on a busy machine, it is in an endless loop. */
const silenceMs = 60_000;

/**
 * Runs a task in a thread of its own, which has little memory and can be stopped. Returns its last report, and as `failure` an uncaught error,
 * or that it was silent.
 */
export async function watchWorker<T extends Progress>(
  file: URL,
  task: unknown,
  first: T,
): Promise<T & { readonly failure: string | undefined }> {
  const worker = new Worker(file, { workerData: task, resourceLimits: { maxOldGenerationSizeMb: 256 } });
  let last = first;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const silence = setTimeout(() => resolve(`a loop without end after ${last.done}`), silenceMs);
  worker.on('message', (progress: T) => {
    last = progress;
    silence.refresh();
    if (progress.isOver) resolve(undefined);
  });
  worker.on('error', (error) => resolve(`not caught after ${last.done}: ${error.stack ?? error}`));
  worker.on('exit', (code) => resolve(`the worker ended with ${code}`));
  try {
    const failure = await promise;
    return { ...last, failure };
  } finally {
    clearTimeout(silence);
    await worker.terminate();
  }
}
