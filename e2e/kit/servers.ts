/** Real servers for tests: found or installed on this machine, started on a free port of 127.0.0.1, removed with the test. */
export { useOf } from './servers/audit-log.ts';
export { openChromium } from './servers/chromium.ts';
export { runDuckdb } from './servers/duckdb.ts';
export { type EtcdMember, type EtcdOptions, type EtcdServer, etcd } from './servers/etcd.ts';
export { ServerMissing } from './servers/find.ts';
export { type KafkaOptions, type KafkaServer, kafka } from './servers/kafka.ts';
export { type KubernetesApi, kubernetesApi, type ServiceAccount } from './servers/kubernetes.ts';
export { mariadb } from './servers/mariadb.ts';
export { clientOf, type S3Address, type S3Server, s3 } from './servers/minio.ts';
export { type MongodbOptions, type MongodbServer, mongodb, mongodbMemory } from './servers/mongodb.ts';
export { mysql } from './servers/mysql.ts';
export type { MysqlDatabase, MysqlOptions, MysqlServer } from './servers/mysql-family.ts';
export { pgbouncer } from './servers/pgbouncer.ts';
export {
  type PostgresDatabase,
  type PostgresOptions,
  type PostgresServer,
  postgres,
  postgresStandby,
} from './servers/postgres.ts';
export { type PrometheusServer, prometheus } from './servers/prometheus.ts';
export { type SchemaRegistry, schemaRegistry } from './servers/schema-registry.ts';
export type { ServerProcess } from './servers/server-process.ts';
export {
  openSqlServer,
  type SqlServer,
  type SqlServerDatabase,
  type SqlServerSession,
  sqlserver,
} from './servers/sqlserver.ts';
