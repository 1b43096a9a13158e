import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preview } from '../../agent/engine/preview.ts';
import type { SyncStatus } from '../../core/status.ts';
import {
  type CommandResult,
  type Exit,
  projectFolder,
  type RunningProcess,
  runCommand,
  startIdra,
} from './processes.ts';
import type { DataSystem } from './systems/test-database.ts';

/** What the run of a folder of manifests reports about one Sync at its end, and its exit status. */
export interface OnceResult {
  readonly code: number;
  /** By the Sync's name. */
  readonly status: ReadonlyMap<string, SyncStatus>;
  readonly stderr: string;
}

export interface RunOptions {
  readonly only?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** `bin/idra` in a folder with one file of manifests and its own state file. */
export class SingleMode {
  readonly folder: string;
  readonly #timeoutMs: number;

  /** Systems of the Syncs, if a slow one may be among them. */
  constructor(folder: string, systems: readonly DataSystem[] = []) {
    this.folder = folder;
    // What stands in for SQL Server takes seconds for a statement with a hundred columns.
    this.#timeoutMs = systems.includes('sqlserver') ? 900_000 : 120_000;
  }

  async write(manifests: string): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFile(join(this.folder, 'syncs.yaml'), manifests);
  }

  async command(args: readonly string[], env: RunOptions['env'] = {}): Promise<CommandResult> {
    return await runCommand(`${projectFolder}/bin/idra`, args, {
      cwd: this.folder,
      env,
      timeoutMs: this.#timeoutMs,
    });
  }

  /** One pass of every sync; returns the last status of each. */
  async runOnce({ only, env }: RunOptions = {}): Promise<OnceResult> {
    const some = only === undefined ? [] : ['--only', only];
    const args = ['run', '-f', 'syncs.yaml', '--once', '--progress', 'json', ...some];
    const { code, stdout, stderr } = await this.command(args, env);
    const status = new Map(parseEvents(stdout.split('\n')).map((event) => [nameOf(event.sync), event]));
    return { code, status, stderr };
  }

  /** The same, printed as a user sees it. */
  async runQuietly(...more: readonly string[]): Promise<CommandResult> {
    return await this.command(['run', '-f', 'syncs.yaml', '--once', '--progress', 'none', ...more]);
  }

  /** As `runOnce`, but must succeed. */
  async runWell(options: RunOptions = {}): Promise<OnceResult> {
    const result = await this.runOnce(options);
    const errors = [...result.status].flatMap(([name, { lastError }]) =>
      lastError ? [`${name}: ${lastError.code}: ${lastError.message}`] : [],
    );
    assert.equal(result.code, 0, [...errors, result.stderr].join('\n'));
    return result;
  }

  /** One pass that must not complete; returns how the process ended. */
  async runKilled(env: Readonly<Record<string, string>>): Promise<Exit> {
    const running = await startIdra(['run', '-f', 'syncs.yaml', '--once', '--progress', 'json'], {
      cwd: this.folder,
      env,
    });
    return await running.waitForExit(this.#timeoutMs);
  }

  /** What `idra plan` reports, by the Sync's name. */
  async plan(env: RunOptions['env'] = {}): Promise<ReadonlyMap<string, Preview>> {
    const { code, stdout, stderr } = await this.command(['plan', '-f', 'syncs.yaml', '-o', 'json'], env);
    assert.ok(stdout.trim() !== '', `idra plan ended with ${code} and printed nothing: ${stderr}`);
    const previews = JSON.parse(stdout) as
      | (Preview & { readonly sync: string })[]
      | (Preview & { sync: string });
    return new Map(
      (Array.isArray(previews) ? previews : [previews]).map((each) => [nameOf(each.sync), each]),
    );
  }

  /** Runs by the schedules until it is stopped or killed. */
  async start(env: RunOptions['env'] = {}): Promise<RunningSingleMode> {
    const running = await startIdra(['run', '-f', 'syncs.yaml', '--progress', 'json'], {
      cwd: this.folder,
      env,
    });
    return new RunningSingleMode(running);
  }
}

export class RunningSingleMode {
  readonly process: RunningProcess;

  constructor(running: RunningProcess) {
    this.process = running;
  }

  /** Every status that was reported for a Sync, oldest first. */
  statuses(name: string): readonly SyncStatus[] {
    return parseEvents(this.process.stdout).filter((event) => nameOf(event.sync) === name);
  }

  latest(name: string): SyncStatus | undefined {
    return this.statuses(name).at(-1);
  }
}

type ProgressEvent = SyncStatus & { readonly event: string; readonly sync: string };

/** Lines that are complete events; the last one of a killed process may not be. */
function parseEvents(lines: readonly string[]): readonly ProgressEvent[] {
  return lines.flatMap((line) => {
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    const event = JSON.parse(line) as ProgressEvent;
    return event.event === 'progress' ? [event] : [];
  });
}

function nameOf(qualifiedName: string): string {
  return qualifiedName.split('/').at(-1) ?? qualifiedName;
}

/** A Sync's manifest: `spec` as an object, since YAML is a superset of JSON. */
/** Of any system; `spec`: `{ kafka: { .. } }`. */
export function anyDataSource(name: string, spec: object): string {
  return `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: ${JSON.stringify(spec)}
---
`;
}

export function syncManifest(name: string, spec: object): string {
  return `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec: ${JSON.stringify(spec)}
---
`;
}
