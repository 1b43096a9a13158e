import type { SqlSystem } from '../../kit/systems.ts';
import { mongodb } from './mongodb.ts';
import { mysqlFamily } from './mysql-family.ts';
import { postgres } from './postgres.ts';
import { sqlite } from './sqlite.ts';
import { sqlserver } from './sqlserver.ts';
import type { FuzzSystem, FuzzSystemName, SqlFuzzSystem } from './system.ts';

export const sqlSystems: Readonly<Record<SqlSystem, SqlFuzzSystem>> = {
  postgres,
  mysql: mysqlFamily('mysql'),
  mariadb: mysqlFamily('mariadb'),
  sqlite,
  sqlserver,
};

export const fuzzSystems: Readonly<Record<FuzzSystemName, FuzzSystem>> = {
  ...sqlSystems,
  mongodb: mongodb('mongodb'),
  'mongodb-memory': mongodb('mongodb-memory'),
};
