/**
 * Imported by the processes of tests. `--test-force-exit` ends them without waiting for what they have written to a pipe that the runner
 * reads slowly, so that results would be lost on a busy machine. Node blocks by itself only on files.
 */
const { _handle: handle } = process.stdout as { _handle?: { setBlocking?: (isBlocking: boolean) => void } };
handle?.setBlocking?.(true);
