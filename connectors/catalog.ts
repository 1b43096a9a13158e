import type { Definition } from '../core/definition.ts';
import { bug } from '../core/errors.ts';
import { type ManifestReader, makeManifestReader } from '../core/manifest/reader.ts';
import type { SystemType } from '../core/sync-spec.ts';
import { definition as http } from './http/definition.ts';
import { definition as kafka } from './kafka/definition.ts';
import { definition as mongodb } from './mongodb/definition.ts';
import { definition as mysql } from './mysql/definition.ts';
import { definition as postgres } from './postgres/definition.ts';
import { definition as s3 } from './s3/definition.ts';
import { queryFindings } from './sql/second-statement.ts';
import { definition as sqlite } from './sqlite/definition.ts';
import { definition as sqlserver } from './sqlserver/definition.ts';

/** The only list of connectors: every system that a DataSource can name. Plain data: only `load()` loads a driver. */
export const definitions: readonly Definition[] = [
  postgres,
  mysql,
  sqlite,
  sqlserver,
  mongodb,
  kafka,
  http,
  s3,
];

export const manifests: ManifestReader = makeManifestReader(definitions, [queryFindings]);

export function definitionOf(type: SystemType): Definition {
  const definition = definitions.find((each) => each.type === type);
  if (definition) return definition;
  throw bug(`a DataSource of type ${type} was read, which no connector has`);
}
