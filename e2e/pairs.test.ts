import { type DataSystem, systemNames } from './kit/systems.ts';
import { testTypesOf } from './pairs/type-tests.ts';

/**
 * Every ordered pair of PostgreSQL, MySQL, MariaDB, SQLite and MongoDB: a table with a column of every type of the source, by Snapshot and
 * by each incremental mode that both systems declare. Each value arrives unchanged except for differences that the plan announces, and
 * every value that a type of the destination cannot keep is handled by onError.
 */
const names: readonly DataSystem[] = [...systemNames, 'mongodb'];
const pairs = names.flatMap((from) => names.map((to) => ({ from, to, kind: 'InMemory' as const })));

/** Without change streams, but with every type of binary data. */
const withTransactions = (['postgres', 'mongodb'] as const).map((to) => ({
  from: 'mongodb' as const,
  to,
  kind: 'WithTransactions' as const,
}));

testTypesOf([...pairs, ...withTransactions]);
