import { z } from 'zod';
import { sqlServerFields } from '../../core/manifest/fields.ts';

/** The fields of a DataSource's `mysql` object. */
export const schema = z.strictObject(sqlServerFields(3_306));
export type MysqlConfig = z.infer<typeof schema>;

/** With its defaults. */
export function readConfig(given: Readonly<Record<string, unknown>>): MysqlConfig {
  return schema.parse(given);
}
