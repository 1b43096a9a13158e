import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Nothing that a test starts may outlive it, not even if the test is killed with SIGKILL. So each Node process that starts something has
 * one guardian: a shell that reads, line by line, what it must end and remove. The kernel closes its input when the Node process ends, in
 * whatever way; then the guardian does so.
 */
const script = `
trap '' INT TERM HUP
pids=' ' folders=
while read -r verb value; do
  case $verb in
    watch) pids="$pids$value " ;;
    forget) case $pids in *" $value "*) pids="\${pids%% $value *} \${pids#* $value }" ;; esac ;;
    folder) folders="$folders$value
" ;;
  esac
done
for pid in $pids; do kill -9 "-$pid"; done
printf '%s' "$folders" | while IFS= read -r folder; do
  for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$folder" && break; sleep 0.2; done
done
`;

let guardian: ChildProcess | undefined;

function send(line: string): void {
  if (guardian === undefined) {
    guardian = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    guardian.unref();
    // A test cannot do anything about a guardian that is gone (the machine is shutting down).
    guardian.stdin?.on('error', () => {});
    (guardian.stdin as unknown as { unref(): void }).unref();
  }
  guardian.stdin?.write(`${line}\n`);
}

/** Kills the group that this process leads when this Node process ends. */
export function guardProcess(pid: number): void {
  send(`watch ${pid}`);
}

/** The process has ended by itself: its id may soon be reused. */
export function releaseProcess(pid: number): void {
  send(`forget ${pid}`);
}

/** Removes this folder when this Node process ends. */
export function guardFolder(path: string): void {
  send(`folder ${path}`);
}
