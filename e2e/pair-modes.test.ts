import { testModesOf, withEach } from './pairs/mode-tests.ts';

/**
 * Every mode and write mode for each ordered pair: killed halfway and resumed, then changes at the source, then no changes. ROWS proves
 * that nothing is written twice. Without transactions, LastDestination* goes on from what the destination holds, so a batch that was
 * written and not committed when the process was killed stays uncounted.
 */
testModesOf([
  ['postgres', 'postgres'],
  ['postgres', 'mysql'],
  ['postgres', 'sqlite'],
  ['mysql', 'postgres'],
  ['mysql', 'mysql'],
  ['mysql', 'sqlite'],
  ['sqlite', 'postgres'],
  ['sqlite', 'mysql'],
  ['sqlite', 'sqlite'],
  ['mariadb', 'mariadb'],
  ['postgres', 'mariadb'],
  ['mariadb', 'sqlite'],
  ...withEach('mongodb', ['postgres', 'mysql', 'sqlite']),
]);
