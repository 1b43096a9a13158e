import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseGrant, grantOf } from './grant.ts';

test('the statement that grants what a message of the server names', () => {
  const cases: [number, string, string, string | undefined][] = [
    [
      1142,
      "SELECT command denied to user 'idra'@'10.0.0.1' for table 'orders'",
      'SELECT * FROM `sales`.`orders`',
      "GRANT SELECT ON `sales`.`orders` TO 'idra'@'%'",
    ],
    [
      1142,
      "SELECT, INSERT command denied to user 'idra'@'10.0.0.1' for table 'odd`name'",
      'SELECT * FROM `odd``schema`.`odd``name`',
      "GRANT SELECT, INSERT ON `odd``schema`.`odd``name` TO 'idra'@'%'",
    ],
    [
      1142,
      "SELECT command denied to user 'idra'@'10.0.0.1' for table `sales`.`orders`",
      '',
      "GRANT SELECT ON `sales`.`orders` TO 'idra'@'%'",
    ],
    [
      1143,
      "SELECT command denied to user 'idra'@'10.0.0.1' for column 'id' in table 'orders'",
      'SELECT id FROM orders',
      "GRANT SELECT ON `shop`.`orders` TO 'idra'@'%'",
    ],
    [
      1227,
      'Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT privilege(s) for this operation',
      '',
      "GRANT REPLICATION CLIENT ON *.* TO 'idra'@'%'",
    ],
    [
      1370,
      "execute command denied to user 'idra'@'10.0.0.1' for routine 'shop.price'",
      '',
      "GRANT EXECUTE ON `shop`.* TO 'idra'@'%'",
    ],
    [1142, 'in another language', 'SELECT 1', undefined],
  ];
  for (const [errno, message, sql, expected] of cases)
    assert.equal(
      grantOf({ errno, message, sql }, { database: 'shop', account: "'idra'@'%'" }),
      expected,
      message,
    );
  assert.match(
    databaseGrant("Access denied for user 'idra'@'%' to database 'shop'") ?? '',
    /GRANT SELECT ON `shop`\.\* TO 'idra'@'%'$/,
  );
});
