import { testModesOf, withEach } from './pairs/mode-tests.ts';

/** The same as e2e/pair-modes.test.ts for pairs with SQL Server. */
testModesOf(withEach('sqlserver', ['postgres', 'mysql', 'sqlite', 'mongodb']));
