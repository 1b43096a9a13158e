import { permanent } from '../core/errors.ts';
import { parseDuration, parseSize } from '../core/manifest/units.ts';

/** The environment of a process. An empty variable counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables one by one. Each error names the variable and the accepted values (EnvironmentInvalid, permanent). */
export class EnvironmentReader {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** An integer with `ms`, `s`, `m` or `h`, in milliseconds. */
  durationMs(name: string, byDefault: string, leastMs: number): number {
    const text = this.text(name) ?? byDefault;
    const ms = parseDuration(text);
    if (ms === undefined) throw invalid(name, text, `use an integer and ms, s, m or h: ${byDefault}`);
    if (ms < leastMs) throw invalid(name, text, `use ${leastMs}ms or more`);
    return ms;
  }

  /** An integer with `Ki`, `Mi`, `Gi` or no unit, in bytes. */
  bytes(name: string, byDefault: string, least: string): number {
    const text = this.text(name) ?? byDefault;
    const bytes = parseSize(text);
    if (bytes === undefined) throw invalid(name, text, `use an integer and Ki, Mi or Gi: ${byDefault}`);
    if (bytes < (parseSize(least) ?? 0)) throw invalid(name, text, `use ${least} or more`);
    return bytes;
  }

  port(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const port = Number(text);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
    throw invalid(name, text, 'use a port from 0 (any free one) to 65535');
  }

  choice<const T extends string>(name: string, choices: readonly T[], byDefault: T): T {
    const text = this.text(name) ?? byDefault;
    const chosen = choices.find((each) => each === text);
    if (chosen === undefined) throw invalid(name, text, `use one of ${choices.join(', ')}`);
    return chosen;
  }

  /** `a,b`; empty items are ignored. */
  list(name: string): readonly string[] {
    return (this.text(name) ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
  }

  /** `zone=a,disk=ssd`. */
  labels(name: string): Readonly<Record<string, string>> {
    const pairs = this.list(name).map((each) => {
      const [, key, value] = /^([^=\s]+)=(\S*)$/.exec(each) ?? [];
      if (key === undefined || value === undefined) throw invalid(name, each, 'use KEY=VALUE,KEY=VALUE');
      return [key, value] as const;
    });
    return Object.fromEntries(pairs);
  }
}

export function invalid(name: string, value: string, fix: string): Error {
  return permanent('EnvironmentInvalid', `"${value}" is not valid`, { path: name, fix });
}
