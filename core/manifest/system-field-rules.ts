import type { SystemFields } from '../definition.ts';
import { objectFields, type SystemField } from '../sync-spec.ts';
import { all, any, has, not } from './conditions.ts';
import { alternatives, type Offered } from './data-source-schema.ts';
import type { Rule } from './rules.ts';

export type End = 'source' | 'destination';
export const ends: readonly End[] = ['source', 'destination'];

const namingFields: readonly SystemField[] = [...objectFields, 'query'];

/** The field says which object of a system is meant; which one is set depends on the system. */
export const isNaming = (field: SystemField): boolean => namingFields.includes(field);

/** A DataSource is another object, so the system is known by the field that names what is read or written. */
function fieldsOfOthers(end: End, systems: readonly SystemFields[]): readonly Rule[] {
  const distinct = (fields: readonly SystemField[]) => [...new Set(fields)];
  const naming = distinct(systems.flatMap((each) => each[end].filter(isNaming)));
  const fields = distinct(systems.flatMap((each) => each[end].filter((field) => !isNaming(field))));
  return fields.flatMap((field) => {
    const having = systems.filter((each) => each[end].includes(field)).flatMap((each) => each[end]);
    const others = naming.filter((each) => !having.includes(each));
    if (others.length === 0) return [];
    const paths = distinct(having.filter(isNaming)).map((each) => `${end}.${each}`);
    return [
      {
        path: `${end}.${field}`,
        condition: not(all(has(`${end}.${field}`), any(...others.map((each) => has(`${end}.${each}`))))),
        message: `${end}.${field} is used with ${alternatives(paths)} only`,
        fix: 'remove it',
      },
    ];
  });
}

/** Fields that belong to another system than the one that is meant. */
export function systemFieldRules(offered: Offered): readonly Rule[] {
  return ends.flatMap((end) => fieldsOfOthers(end, offered.systems));
}
