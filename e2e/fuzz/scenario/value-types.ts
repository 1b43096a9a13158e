import { type SqlSystem, type SystemName, systemNames } from '../../kit/systems.ts';
import { keptTypes } from '../../pairs/everything.ts';
import { fittingValues, misfitValues, type TypeCase } from '../../pairs/type-case.ts';
import { sqlSystems } from '../systems/index.ts';
import type { FuzzSystemName } from '../systems/system.ts';

/** Kinds that every system has. */
const commonKinds: readonly unknown[] = [
  'boolean',
  'int',
  'decimal',
  'float32',
  'float64',
  'text',
  'char',
  'bytes',
  'date',
  'timestamp',
];

/** Types of columns whose values are compared. */
export function valueTypes(from: SqlSystem, to: FuzzSystemName): readonly TypeCase[] {
  if (isListed(from) && isListed(to)) return keptTypes(from, to);
  return sqlSystems[from].types.filter(({ kind }) => commonKinds.includes(kind));
}

export function fitting(type: TypeCase, to: FuzzSystemName): readonly string[] {
  return isListed(to) ? fittingValues(type, to) : type.values;
}

export function misfits(type: TypeCase, to: FuzzSystemName): readonly string[] {
  return isListed(to) ? misfitValues(type, to) : (type.misfits ?? []).flatMap(({ values }) => values);
}

/** Whether e2e/pairs/types says which of its values fit each of the others. */
function isListed(system: FuzzSystemName): system is SystemName {
  return (systemNames as readonly string[]).includes(system);
}
