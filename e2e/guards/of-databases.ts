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
    name: 'MySQL: a commit counts only under the token of the claim',
    file: 'connectors/mysql/commits.ts',
    from: 'WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0`,',
    to: 'WHERE ${this.#where(uid)}`,',
    caughtBy: { test: 'connectors/mysql/writes.test.ts', only: 'a lower token|one message' },
  },
];
