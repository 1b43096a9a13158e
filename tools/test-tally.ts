import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

export interface Failure {
  readonly file: string;
  readonly test: string;
  readonly error: string;
}

export interface Skip {
  readonly file: string;
  readonly test: string;
  /** `SERVER: why`, if a server is missing. */
  readonly reason: string;
}

/** Adds up the runner's events. A test that fails because a server is missing counts as skipped. */
export class TestTally {
  passed = 0;
  readonly failures: Failure[] = [];
  readonly skips: Skip[] = [];
  readonly durationsMs = new Map<string, number>();
  readonly #open = new Map<string, OpenFile>();
  readonly #isPermitted: (server: string) => boolean;

  constructor(isPermitted: (server: string) => boolean) {
    this.#isPermitted = isPermitted;
  }

  /**
   * `path`: of the file that runs. An event names the file that defines its test, which several files may share. `shown`: for display.
   * Returns whether this event completes the file.
   */
  add(event: TestEvent, path: string, shown: string): boolean {
    if ((event.data as { file?: string } | undefined)?.file === undefined) return false;
    const file = this.#open.get(path) ?? newFile(path, shown);
    this.#open.set(path, file);
    switch (event.type) {
      case 'test:start':
        file.names.length = event.data.nesting;
        file.names.push(event.data.name);
        return false;
      case 'test:stdout':
      case 'test:stderr':
        file.output.push(event.data.message);
        return false;
      case 'test:pass':
        this.#addPass(file, event.data);
        return false;
      case 'test:fail':
        this.#addFailure(file, event.data);
        return false;
      case 'test:summary':
        this.durationsMs.set(file.shown, event.data.duration_ms);
        if (event.data.counts.tests === 0) this.#addEmpty(file, '(the file)');
        return true;
      default:
        return false;
    }
  }

  /** For a file whose process ended before all its results had arrived. */
  addUnfinished(file: string): void {
    if (this.failures.some((failure) => failure.file === file)) return;
    this.failures.push({ file, test: file, error: 'it ended without reporting all its results' });
  }

  /** Call once, after the last event. */
  finish(): void {
    for (const file of this.#open.values()) {
      for (const test of file.cancelled) {
        if (file.missing !== undefined) this.skips.push({ file: file.shown, test, reason: file.missing });
        else this.failures.push({ file: file.shown, test, error: 'cancelled because its suite failed' });
      }
    }
    for (const { file, test, reason } of this.skips.splice(0)) {
      const server = reason.split(':')[0] ?? '';
      if (this.#isPermitted(server)) this.skips.push({ file, test, reason });
      else
        this.failures.push({
          file,
          test,
          error: `skipped, which e2e/permitted-skips.txt does not permit: ${reason}`,
        });
    }
    this.#open.clear();
  }

  #addPass(file: OpenFile, data: Report): void {
    const test = testName(file, data);
    if (data.skip !== undefined) this.skips.push({ file: file.shown, test, reason: skipReason(data.skip) });
    else if (data.name === file.path) this.#addEmpty(file, test);
    else if (!isSuite(data)) this.passed += 1;
  }

  #addEmpty(file: OpenFile, test: string): void {
    this.failures.push({ file: file.shown, test, error: 'it contains no test' });
  }

  #addFailure(file: OpenFile, data: Report): void {
    const error = data.details.error as { failureType?: string; cause?: unknown } | undefined;
    const test = testName(file, data);
    const missing =
      missingServer(error) ?? (data.name === file.path ? missingInOutput(file.output) : undefined);
    if (missing !== undefined) {
      file.missing = missing;
      // A suite is not counted; its tests are reported as cancelled.
      if (!isSuite(data)) this.skips.push({ file: file.shown, test, reason: missing });
    } else if (error?.failureType === 'cancelledByParent') {
      file.cancelled.push(test);
    } else if (error?.failureType !== 'subtestsFailed') {
      const output =
        data.name === file.path ? `\n${file.output.join('').split('\n').slice(-60).join('\n')}` : '';
      this.failures.push({ file: file.shown, test, error: `${describeError(error)}${output}` });
    }
  }
}

interface OpenFile {
  readonly path: string;
  readonly shown: string;
  /** Names of the running test and of its suites. */
  readonly names: string[];
  readonly output: string[];
  readonly cancelled: string[];
  missing: string | undefined;
}

interface Report {
  readonly name: string;
  readonly nesting: number;
  readonly skip?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly error?: unknown };
}

function newFile(path: string, shown: string): OpenFile {
  return { path, shown, names: [], output: [], cancelled: [], missing: undefined };
}

function isSuite(data: Report): boolean {
  return data.details.type === 'suite';
}

function testName(file: OpenFile, data: Report): string {
  return data.name === file.path
    ? '(the file)'
    : [...file.names.slice(0, data.nesting), data.name].join(' > ');
}

function skipReason(skip: string | boolean): string {
  return typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
}

function missingServer(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ((each as { code?: unknown }).code === 'SERVER_MISSING') return each.message;
  }
  return undefined;
}

/** A file that searches for its server while it is loaded fails as a whole, and only its output shows why. */
function missingInOutput(output: readonly string[]): string | undefined {
  return /^(?:Uncaught )?ServerMissing(?: \[SERVER_MISSING\])?: (.*)$/m.exec(output.join(''))?.[1];
}

function describeError(error: { cause?: unknown } | undefined): string {
  const cause = error?.cause ?? error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 4, breakLength: 120 });
}
