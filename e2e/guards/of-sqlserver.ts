// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

const conformance = 'connectors/sqlserver/conformance.test.ts';
const destination = 'connectors/sqlserver/destination';

/** Checks of SQL Server's own. */
export const ofSqlServer: readonly Guard[] = [
  {
    name: 'SQL Server: a commit counts only under the token of the claim',
    file: `${destination}/commit-rows.ts`,
    from: 'AND token = ${token} AND closed = 0 AND session = ${sessionText(session)}`;',
    to: 'AND closed = 0`;',
    caughtBy: { test: conformance, only: 'under a lower token' },
  },
  {
    name: 'SQL Server: a commit counts only from the session that has claimed',
    file: `${destination}/commit-rows.ts`,
    from: 'AND closed = 0 AND session = ${sessionText(session)}`;',
    to: 'AND closed = 0`;',
    caughtBy: { test: `${destination}/claim.test.ts`, only: 'has abandoned' },
  },
  {
    name: 'SQL Server: an offset is stored after the one that this claim stored last',
    file: `${destination}/commit-rows.ts`,
    from: '${this.#held(session, uid, token)}${isExpected}`,',
    to: '${this.#held(session, uid, token)}`,',
    caughtBy: { test: conformance, only: 'somebody else has moved' },
  },
  {
    name: 'SQL Server: rows, offset and token are one transaction',
    file: `${destination}/claim.ts`,
    from: "        'BEGIN TRANSACTION',\n        ...merge,",
    to: '        ...merge,',
    caughtBy: { test: conformance, only: 'under a lower token' },
  },
  {
    name: 'SQL Server: a batch goes into the table that was claimed',
    file: `${destination}/target-shape.ts`,
    from: 'IF NOT (${isUnchanged(entry)} AND ${isPlain}) BEGIN',
    to: 'IF 1 = 0 BEGIN',
    caughtBy: { test: `${destination}/target-shape.test.ts` },
  },
  {
    name: 'SQL Server: a table whose trigger may leave out rows is not written',
    file: `${destination}/target-shape.ts`,
    from: ' AND ${isPlain})',
    to: ')',
    caughtBy: { test: `${destination}/destination.test.ts`, only: 'INSTEAD OF' },
  },
  {
    name: 'SQL Server: a table whose indexes leave out duplicates is not written',
    file: 'connectors/sqlserver/describe.ts',
    from: 'traits.ignoresDuplicates ? [',
    to: 'traits.ignoresDuplicates && relation.isOpaque ? [',
    caughtBy: { test: 'connectors/sqlserver/check.test.ts', only: 'leave out duplicates' },
  },
  {
    name: 'SQL Server: a page is of the shape that was planned',
    file: 'connectors/sqlserver/fingerprint.ts',
    from: 'isSame: (answer) => Number(answer?.rows[0]?.[0]) === 1,',
    to: 'isSame: () => true,',
    caughtBy: { test: conformance, only: 'a column is retyped between' },
  },
  {
    name: 'SQL Server: the session of a stopped owner is ended by the claimant',
    file: `${destination}/earlier-owner.ts`,
    from: 'await session.run(`KILL ${holder}`);',
    to: '',
    caughtBy: { test: `${destination}/earlier-owner.test.ts` },
  },
  {
    name: 'SQL Server: a merge locks its keys until COMMIT',
    file: `${destination}/batch-writer.ts`,
    from: 'AS t WITH (UPDLOCK, HOLDLOCK)`',
    to: 'AS t`',
    caughtBy: { test: `${destination}/batch-writer.test.ts` },
  },
  {
    name: 'SQL Server: rows whose keys differ only in what it ignores do not overwrite each other',
    file: `${destination}/batch-writer.ts`,
    from: 'if (padded.length > 0) yield',
    to: 'if (padded.length > 99) yield',
    caughtBy: { test: `${destination}/refusals.test.ts`, only: 'equal only for SQL Server' },
  },
  {
    name: 'SQL Server: a shadow with another number of rows is not swapped in',
    file: `${destination}/replace.ts`,
    from: 'IF ${count} <> ${this.#expectedRows} BEGIN',
    to: 'IF 1 = 0 BEGIN',
    caughtBy: { test: conformance, only: 'whose rows vanish' },
  },
  {
    name: 'SQL Server: an earlier owner does not touch the shadow of the next one',
    file: `${destination}/replace.ts`,
    from: '          this.#commits.holdStatement(session, plan.uid, token),\n',
    to: '',
    caughtBy: { test: conformance, only: 'neither swaps nor touches' },
  },
  {
    name: 'SQL Server: a time is read up to the begin of the oldest open transaction',
    file: 'connectors/sqlserver/source/late-row-bound.ts',
    from: 'Math.min(seen.atMicros, oldest?.floorMicros ?? seen.atMicros)',
    to: 'seen.atMicros',
    caughtBy: { test: 'connectors/sqlserver/source/late-rows.test.ts', only: '^Timestamp: rows' },
  },
  {
    name: 'SQL Server: an id is final when everything that was open has ended',
    file: 'connectors/sqlserver/source/late-row-bound.ts',
    from: 'const limit = oldest?.floorMicros ?? Number.POSITIVE_INFINITY;',
    to: 'const limit = Number.POSITIVE_INFINITY + Number(oldest?.floorMicros ?? 0) * 0;',
    caughtBy: { test: 'connectors/sqlserver/source/late-rows.test.ts', only: '^Id by an identity' },
  },
  {
    name: 'SQL Server: a rowversion is read below the smallest one that may still commit',
    file: 'connectors/sqlserver/source/late-row-bound.ts',
    from: 'upTo: { text: smallest, isInclusive: false }',
    to: "upTo: { text: 'ffffffffffffffff', isInclusive: smallest === '' }",
    caughtBy: { test: 'connectors/sqlserver/source/late-rows.test.ts', only: '^Id by a rowversion' },
  },
];
