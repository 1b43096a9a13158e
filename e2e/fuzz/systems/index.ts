import type { SystemName } from '../../kit/systems.ts';
import { mysqlFamily } from './mysql-family.ts';
import { postgres } from './postgres.ts';
import { sqlite } from './sqlite.ts';
import type { FuzzSystem } from './system.ts';

export const fuzzSystems: Readonly<Record<SystemName, FuzzSystem>> = {
  postgres,
  mysql: mysqlFamily('mysql'),
  mariadb: mysqlFamily('mariadb'),
  sqlite,
};
