import type { PostgresConfig } from '../config.ts';
import { literalText } from '../types/literals.ts';
import { useCatalogPath } from './search-path.ts';

interface Pinned {
  readonly name: string;
  readonly value: string;
  readonly why: string;
  /** Set only if the server, database or role has this value. */
  readonly instead?: string;
}

/**
 * Settings that any role may change and that change what a session sees, how it writes or reads values, or what ends its statements. A
 * session of Idra sets these regardless of server, database or role. Settings that a version does not know are left out.
 */
const pinned: readonly Pinned[] = [
  { name: 'client_encoding', value: 'UTF8', why: 'encoding of text' },
  { name: 'TimeZone', value: 'UTC', why: 'format of timestamptz' },
  {
    name: 'timezone_abbreviations',
    value: 'Default',
    why: 'meaning of Z and other abbreviations in literals',
  },
  { name: 'DateStyle', value: 'ISO, YMD', why: 'format of dates' },
  { name: 'IntervalStyle', value: 'iso_8601', why: 'format of intervals' },
  { name: 'extra_float_digits', value: '3', why: 'floats keep all digits' },
  { name: 'bytea_output', value: 'hex', why: 'format of bytea' },
  { name: 'xmlbinary', value: 'base64', why: 'format of bytea within xml' },
  { name: 'xmloption', value: 'content', why: 'xml fragments are accepted as well' },
  { name: 'lc_monetary', value: 'C', why: 'format of money, the same at both ends' },
  { name: 'quote_all_identifiers', value: 'off', why: 'type names are compared as text' },
  {
    name: 'standard_conforming_strings',
    value: 'on',
    why: 'a backslash in a literal is an ordinary character',
  },
  { name: 'escape_string_warning', value: 'off', why: 'the warnings are not used' },
  { name: 'client_min_messages', value: 'warning', why: 'the notices are not used' },
  { name: 'array_nulls', value: 'on', why: 'if off, NULL within an array is written as text' },
  { name: 'transform_null_equals', value: 'off', why: 'if on, = NULL in a query finds rows' },
  { name: 'gin_fuzzy_search_limit', value: '0', why: 'otherwise a query by a GIN index may omit rows' },
  { name: 'row_security', value: 'on', why: 'if off, a table with policies cannot be read' },
  {
    name: 'default_transaction_isolation',
    value: 'read committed',
    why: 'each statement sees all earlier commits',
  },
  {
    name: 'default_transaction_deferrable',
    value: 'off',
    why: 'if on, a serializable read may wait forever',
  },
  { name: 'exit_on_error', value: 'off', why: 'if on, a refused row ends the session' },
  { name: 'statement_timeout', value: '0', why: 'a large page or a swap may take long' },
  { name: 'lock_timeout', value: '30s', why: 'a wait for a lock is reported and retried' },
  { name: 'transaction_timeout', value: '0', why: 'a table without a key is read in one long transaction' },
  { name: 'idle_session_timeout', value: '0', why: 'a session is idle between passes' },
  { name: 'synchronous_commit', value: 'on', instead: 'off', why: 'commits are durable' },
  { name: 'jit', value: 'off', why: 'compilation costs more than it saves' },
  { name: 'max_parallel_workers_per_gather', value: '0', why: 'a page is read in the order of an index' },
  {
    name: 'default_transaction_read_only',
    value: 'on',
    why: 'a source is never written, and a destination only after allowWrites',
  },
  // The server ends a transaction whose client is idle: a claim must get past an owner that stopped halfway.
  {
    name: 'idle_in_transaction_session_timeout',
    value: '60s',
    why: 'releases the locks of a stopped process',
  },
];
const pinnedWriter: readonly Pinned[] = [
  { name: 'temp_buffers', value: '64MB', why: 'the staging table of an upsert stays in memory' },
];

export const pinnedNames: readonly string[] = [...pinned, ...pinnedWriter].map(({ name }) => name);

/** Allows writes in a session that until now could only describe a destination, as check and plan do. */
export const allowWrites = 'SET default_transaction_read_only = off';

/** One message that configures a session for `use`, whoever used it before. */
export function settingsOf(use: 'reader' | 'writer', config: PostgresConfig): string {
  const all = [...pinned, ...(use === 'reader' ? [] : pinnedWriter)];
  const rows = all.map(
    ({ name, value, instead }) =>
      `(${literalText(name)}, ${literalText(value)}, ${instead === undefined ? 'NULL' : literalText(instead)})`,
  );
  const pinSql = `SELECT pg_catalog.set_config(p.name, p.value, false) FROM (VALUES ${rows.join(', ')}) AS p (name, value, instead)
    JOIN pg_catalog.pg_settings s ON s.name = p.name AND s.context = 'user' AND (p.instead IS NULL OR s.setting = p.instead)`;
  // The limit is set before the others, so that it does not end the statement that sets them.
  return [useCatalogPath, 'SET statement_timeout = 0', pinSql, ...parameterSettings(config)].join(';');
}

/**
 * Undoes what the last user of a pooled session left, like DISCARD ALL, which cannot be in one message with the settings that follow it.
 */
export const discard: readonly string[] = [
  'ROLLBACK',
  'CLOSE ALL',
  'SET SESSION AUTHORIZATION DEFAULT',
  'RESET ALL',
  'DEALLOCATE ALL',
  'UNLISTEN *',
  // Runs on the search path that the last user left.
  'SELECT pg_catalog.pg_advisory_unlock_all()',
  'DISCARD PLANS',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
];

function parameterSettings(config: PostgresConfig): string[] {
  const { role, work_mem } = config.parameters;
  return [
    ...(role === undefined ? [] : [`SET ROLE ${literalText(role)}`]),
    ...(work_mem === undefined ? [] : [`SET work_mem = ${literalText(work_mem)}`]),
  ];
}
