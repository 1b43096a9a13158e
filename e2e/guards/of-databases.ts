// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

export const ofDatabases: readonly Guard[] = [
  {
    name: 'PostgreSQL: a commit counts only under the token of the claim',
    file: 'connectors/postgres/commit-rows.ts',
    from: "AND token = ${token} AND NOT closed AND split_part(session, '/', 1) = pg_backend_pid()::text`;",
    to: '`;',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'a lower token' },
  },
  {
    name: 'PostgreSQL: a commit counts only from the session that has claimed',
    file: 'connectors/postgres/commit-rows.ts',
    from: "AND NOT closed AND split_part(session, '/', 1) = pg_backend_pid()::text`;",
    to: 'AND NOT closed`;',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'given up' },
  },
  {
    name: 'PostgreSQL: token and offset in the transaction of the rows',
    file: 'connectors/postgres/claimed-table.ts',
    from: 'session.run(`${note}${sql}; COMMIT`)',
    to: 'session.run(`COMMIT; ${note}${sql}`)',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'given up' },
  },
  {
    name: 'PostgreSQL: the session of a stopped owner is ended by the claimant',
    file: 'connectors/postgres/destination.ts',
    from: 'if (holder?.session) await endEarlierOwner(session, holder.session, signal);',
    to: '',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'stands still' },
  },
  {
    name: 'PostgreSQL: rows of another shape are not handed on',
    file: 'connectors/postgres/session.ts',
    from: 'copy.shape !== undefined && copy.shape !== expected.text',
    to: 'false',
    caughtBy: { test: 'connectors/postgres/shape.test.ts', only: 'a type' },
  },
  {
    name: 'PostgreSQL: a batch goes into the table that was claimed',
    file: 'connectors/postgres/claimed-table.ts',
    from: '`BEGIN; ${this.#requireShapeSql}; `,',
    to: "'BEGIN; ',",
    caughtBy: { test: 'connectors/postgres/destination-shape.test.ts', only: 'a type, Append' },
  },
  {
    name: 'PostgreSQL: a swap replaces the table that was claimed',
    file: 'connectors/postgres/replace.ts',
    from: 'await session.run(shape.seenSql);',
    to: '',
    caughtBy: { test: 'connectors/postgres/destination-shape.test.ts', only: 'a type, before the swap' },
  },
  {
    name: 'PostgreSQL: an offset that somebody else has moved is not written over',
    file: 'connectors/postgres/commit-rows.ts',
    from: 'AND ${isOffset(previous)} RETURNING rows',
    to: 'RETURNING rows',
    caughtBy: { test: 'connectors/postgres/destination-shape.test.ts', only: 'moved by another' },
  },
  {
    name: 'PostgreSQL: a parent with children has no key',
    file: 'connectors/postgres/describe.ts',
    from: 'const keys = hasChildren ? [] :',
    to: 'const keys = false ? [] :',
    caughtBy: { test: 'connectors/postgres/keys.test.ts', only: 'a parent with children' },
  },
  {
    name: 'PostgreSQL: a standby is as far as what it has replayed',
    file: 'connectors/postgres/activity.ts',
    from: 'CASE WHEN pg_is_in_recovery() THEN',
    to: 'CASE WHEN false THEN',
    caughtBy: { test: 'connectors/postgres/standby.test.ts', only: 'by Timestamp' },
  },
  {
    name: 'MySQL: a commit counts only under the token of the claim',
    file: 'connectors/mysql/commits.ts',
    from: 'WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0${isExpected}`,',
    to: 'WHERE ${this.#where(uid)}${isExpected}`,',
    caughtBy: { test: 'connectors/mysql/writes.test.ts', only: 'a lower token|one message' },
  },
  {
    name: 'MySQL: an offset is stored behind the one that this claim stored last',
    file: 'connectors/mysql/commits.ts',
    from: 'closed = 0${isExpected}`,',
    to: 'closed = 0`,',
    caughtBy: { test: 'connectors/mysql/write-shape.test.ts', only: 'somebody else has moved' },
  },
  {
    name: 'MySQL: what the server has ended by itself is not committed in part',
    file: 'connectors/mysql/write-transaction.ts',
    from: 'await this.#send([`RELEASE SAVEPOINT ${wholeMark}`, statements]);',
    to: 'await this.#send([statements]);',
    caughtBy: { test: 'connectors/mysql/write-transaction.test.ts' },
  },
];
