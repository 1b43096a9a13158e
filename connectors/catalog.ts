import type { Definition } from '../core/definition.ts';
import { permanent } from '../core/errors.ts';
import type { SystemSchema } from '../core/manifest/data-source-schema.ts';
import { type ManifestReader, makeManifestReader } from '../core/manifest/reader.ts';
import type { SystemType } from '../core/sync-spec.ts';
import { announced } from './announced.ts';
import { definition as http } from './http/definition.ts';
import { definition as kafka } from './kafka/definition.ts';
import { definition as mongodb } from './mongodb/definition.ts';
import { definition as mysql } from './mysql/definition.ts';
import { definition as postgres } from './postgres/definition.ts';
import { definition as s3 } from './s3/definition.ts';
import { queryFindings } from './sql/second-statement.ts';
import { definition as sqlite } from './sqlite/definition.ts';
import { definition as sqlserver } from './sqlserver/definition.ts';

/** The only list of connectors. Plain data: only `load()` loads a driver. */
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

/** Every system that a DataSource can name, including those of later versions. */
export const systems: readonly SystemSchema[] = [
  ...definitions.map((definition) => ({ ...definition, isOffered: true })),
  ...announced,
];

export const manifests: ManifestReader = makeManifestReader(systems, [queryFindings]);

/** Throws SystemNotAvailable (permanent) for a system of a later version. */
export function definitionOf(type: SystemType): Definition {
  const definition = definitions.find((each) => each.type === type);
  if (definition) return definition;
  throw permanent('SystemNotAvailable', `${type} is not offered in this version`, {
    path: `spec.${type}`,
    fix: `use one of ${definitions.map((each) => each.type).join(', ')}`,
  });
}
