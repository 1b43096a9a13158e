import type { Command } from 'commander';
import { visibleText } from '../core/bounded-text.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { asIdraError, describeError, type IdraError } from '../core/errors.ts';
import { ignoreBrokenPipes } from '../process/broken-pipes.ts';
import { type ExitStatus, exitStatus } from './exit-status.ts';
import { InputWrong, printFindings } from './findings.ts';
import type { Screen } from './single/progress.ts';

/** The environment of a command: `out` and `err` are standard output and standard error. */
export interface Cli {
  readonly out: Screen;
  readonly err: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the output is no longer read: ends commands that print forever. */
  readonly outputClosed: AbortSignal;
  /** Set by the command that ran; the exit status of the process. */
  status: ExitStatus;
}

export function processCli(): Cli {
  return {
    out: screenOf(process.stdout),
    err: screenOf(process.stderr),
    env: process.env,
    outputClosed: ignoreBrokenPipes(),
    status: exitStatus.ok,
  };
}

/** Wraps the body of a command: sets the status that it returns, or that of the error that it throws, which is printed in one line. */
export function runs<Options>(
  command: Command,
  cli: Cli,
  body: (args: readonly string[], options: Options) => Promise<ExitStatus>,
): Command {
  return command.action(async () => {
    try {
      cli.status = await body(command.args, command.opts<Options & object>());
    } catch (thrown) {
      const error = asIdraError(thrown);
      if (error instanceof InputWrong) printFindings(error.findings, (text) => cli.err.write(text));
      else cli.err.write(`idra: ${describeError(error)}\n`);
      if (error.disposition === 'bug')
        cli.err.write(`${stackOf(error)}\nThis is a bug in Idra: please report it.\n`);
      cli.status = statusOf(error);
    }
  });
}

/** Codes that mean that there is no etcd, cluster or agent to connect to: exit status 3. */
const unavailableCodes = new Set<ErrorCode>([
  'EtcdFull',
  'EtcdUnavailable',
  'EtcdNotConfigured',
  'NoAgentAnswered',
  'NoCluster',
  'KubernetesUnreachable',
  'KubernetesUnavailable',
  'KubernetesTimeout',
  'NoTarget',
]);

export function statusOf(error: IdraError): ExitStatus {
  if (unavailableCodes.has(error.code)) return exitStatus.unavailable;
  return error.disposition === 'permanent' ? exitStatus.inputWrong : exitStatus.failed;
}

function stackOf(error: IdraError): string {
  return (error.cause instanceof Error ? error.cause.stack : error.stack) ?? '';
}

function screenOf(stream: NodeJS.WriteStream): Screen {
  return {
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 120,
    write(text) {
      stream.write(visibleText(text));
    },
    draw(text) {
      stream.write(text);
    },
  };
}
