import { createLogger, format, type Logform, transports } from 'winston';
import { boundedText, visibleText } from '../core/bounded-text.ts';
import { describeError, IdraError } from '../core/errors.ts';
import type { Log, LogFields } from '../core/log.ts';
import { Secret } from '../core/secret.ts';
import type { EnvironmentReader } from './environment.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export const logFormats = ['text', 'json'] as const;

export interface LogConfig {
  readonly level: (typeof logLevels)[number];
  readonly format: (typeof logFormats)[number];
}

export function readLogConfig(reader: EnvironmentReader): LogConfig {
  return {
    level: reader.choice('IDRA_LOG_LEVEL', logLevels, 'info'),
    format: reader.choice('IDRA_LOG_FORMAT', logFormats, 'text'),
  };
}

/** Writes to stderr, one entry per line. `common` is added to every line. */
export function makeProcessLog(config: LogConfig, common: LogFields = {}): Log {
  const logger = createLogger({
    level: config.level,
    format: format.combine(
      format.timestamp(),
      config.format === 'json' ? format.json() : format.printf(textLine),
    ),
    transports: [new transports.Stream({ stream: process.stderr })],
  });
  const write = (level: LogConfig['level']) => (message: string, fields?: LogFields) => {
    logger.log({ level, message, ...plainFields({ ...common, ...fields }) });
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/**
 * Fields in the form in which they are printed: secrets as `***`, errors as message and remedy; no names that winston would interpret
 * itself.
 */
export function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    plain[reserved.has(name) ? `${name}_` : name] = isSecretName(name) ? '***' : plainValue(value, 0);
  }
  return plain;
}

const reserved = new Set(['level', 'message', 'timestamp', 'splat']);
const deepest = 4;

function plainValue(value: unknown, depth: number): unknown {
  if (value instanceof Secret) return value.toString();
  if (value instanceof IdraError) return `${value.code}: ${describeError(value)}`;
  if (value instanceof Error) return boundedText(value.message);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === deepest) return '...';
  if (Array.isArray(value)) return value.map((each) => plainValue(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      isSecretName(name) ? '***' : plainValue(each, depth + 1),
    ]),
  );
}

/** Catches values that should have been wrapped in a Secret. */
function isSecretName(name: string): boolean {
  return /password|secret|token$|authorization/i.test(name) && !/^fencing/i.test(name);
}

function textLine({ timestamp, level, message, ...fields }: Logform.TransformableInfo): string {
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${quoted(value)}`);
  return [timestamp, String(level).padEnd(5), visibleText(String(message)), ...pairs].join(' ');
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const visible = visibleText(text);
  return /^[^\s"=]+$/.test(visible) ? visible : JSON.stringify(visible);
}
