import type { SystemFields } from '../definition.ts';
import {
  httpDestinationFields,
  httpSourceFields,
  messageFields,
  objectFields,
  recordFields,
  type SystemField,
  storedObjectFields,
} from '../sync-spec.ts';
import { all, any, has, not } from './conditions.ts';
import { alternatives, type Offered } from './data-source-schema.ts';
import type { Rule } from './rules.ts';

export type End = 'source' | 'destination';
export const ends: readonly End[] = ['source', 'destination'];

/** System fields that are in the schema. */
export const known: Readonly<Record<End, readonly SystemField[]>> = {
  source: [
    ...objectFields,
    'query',
    'filter',
    ...recordFields,
    'format',
    'compression',
    ...httpSourceFields,
    ...messageFields.source,
    ...storedObjectFields.source,
  ],
  destination: [
    ...objectFields,
    'format',
    'compression',
    ...httpDestinationFields,
    ...messageFields.destination,
    ...storedObjectFields.destination,
  ],
};
const namingFields: readonly SystemField[] = [...objectFields, 'query'];

/** The field says which object of a system is meant; which one is set depends on the system. */
export const isNaming = (field: SystemField): boolean => namingFields.includes(field);

/** Reserved system fields: no system of this version has them. */
function laterFields(end: End, offered: readonly SystemField[]): readonly Rule[] {
  return known[end]
    .filter((field) => !offered.includes(field))
    .map((field) => ({
      path: `${end}.${field}`,
      condition: not(has(`${end}.${field}`)),
      message: `${end}.${field} belongs to a system that is not offered in this version`,
      fix: `remove it; use ${alternatives(offered.filter(isNaming))}`,
    }));
}

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
  return ends.flatMap((end) => [...fieldsOfOthers(end, offered.systems), ...laterFields(end, offered[end])]);
}
