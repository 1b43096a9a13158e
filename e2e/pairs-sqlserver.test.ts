import type { DataSystem } from './kit/systems.ts';
import { testTypesOf } from './pairs/type-tests.ts';

/** The same as e2e/pairs.test.ts for pairs with SQL Server. MariaDB differs from MySQL in a few types, which are the same for SQL Server. */
const others: readonly DataSystem[] = ['postgres', 'mysql', 'sqlite', 'mongodb'];
const pairs = [
  ...[...others, 'sqlserver' as const].map((to) => ({ from: 'sqlserver' as const, to })),
  ...others.map((from) => ({ from, to: 'sqlserver' as const })),
];

testTypesOf(pairs.map((pair) => ({ ...pair, kind: 'InMemory' })));
