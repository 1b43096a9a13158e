import type { SystemFields } from '../definition.ts';
import { ownTablePattern } from '../own-tables.ts';
import { lastDestinationModes, type SystemField } from '../sync-spec.ts';
import {
  all,
  exactlyOne,
  has,
  implies,
  isFilled,
  isLike,
  isOneOf,
  isSame,
  isUnique,
  not,
} from './conditions.ts';
import { alternatives, type Offered } from './data-source-schema.ts';
import type { Rule } from './rules.ts';
import { type End, ends, isNaming, systemFieldRules } from './system-field-rules.ts';

const isLastDestination = isOneOf('mode', ...lastDestinationModes);

/** Rules for the objects named by source and destination. */
function objectRules(offered: SystemFields): readonly Rule[] {
  return [
    namingRule('source', offered.source),
    namingRule('destination', offered.destination),
    ...offered.destination.filter(isNaming).map((field) => ({
      path: `destination.${field}`,
      condition: not(
        all(
          isSame('source.dataSource', 'destination.dataSource'),
          isSame(`source.${field}`, `destination.${field}`),
        ),
      ),
      message: `source and destination are the same ${field}`,
      fix: `write to another ${field}, or another DataSource`,
    })),
    ...ends.flatMap((end) =>
      offered[end]
        .filter((field) => isNaming(field) && field !== 'query')
        .map((field) => ({ field, path: `${end}.${field}` }))
        .map(({ field, path }) => ({
          path,
          condition: not(isLike(path, ownTablePattern)),
          message: `names that begin with _idra_ are reserved for objects of Idra`,
          fix: `name another ${field}`,
        })),
    ),
    ...keyRules,
  ];
}

function namingRule(end: End, offered: readonly SystemField[]): Rule {
  const naming = offered.filter(isNaming);
  const fields = naming.map((field) => `${end}.${field}`);
  return {
    path: end,
    condition: exactlyOne(...fields),
    message: `${end} must set ${naming.length === 1 ? '' : 'exactly one of '}${naming.join(', ')}`,
    fix: fields.length === 1 ? `set ${fields[0]}` : `set one of ${listed(fields)}`,
  };
}

/** `a, b and c`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

const keyRules: readonly Rule[] = [
  {
    path: 'source.key',
    condition: implies(has('source.query'), has('source.key')),
    message: 'a query has no key of its own',
    fix: 'name the columns that identify a row in source.key',
  },
  {
    path: 'source.key',
    condition: isUnique('source.key'),
    message: 'source.key names a column twice',
    fix: 'name each column once',
  },
  {
    path: 'destination.key',
    condition: isUnique('destination.key'),
    message: 'destination.key names a column twice',
    fix: 'name each column once',
  },
];

const pagingKinds = ['cursorPath', 'pageParam', 'offsetParam', 'linkHeader', 'nextUrlPath'];

const httpRules: readonly Rule[] = [
  {
    path: 'source.paging',
    condition: implies(
      has('source.paging'),
      exactlyOne(...pagingKinds.map((kind) => `source.paging.${kind}`)),
    ),
    message: `source.paging must set exactly one of ${listed(pagingKinds)}`,
    fix: 'keep the one that the API has, or leave paging out if the list has one page',
  },
  {
    path: 'source.paging.limitParam',
    condition: all(
      implies(has('source.paging.limitParam'), has('source.paging.limit')),
      implies(has('source.paging.cursorParam'), has('source.paging.cursorPath')),
    ),
    message: 'limitParam needs limit, and cursorParam needs cursorPath',
    fix: 'set both of them, or neither',
  },
];

const modeRules: readonly Rule[] = [
  {
    path: 'source.idField',
    condition: implies(isOneOf('mode', 'Id', 'LastDestinationId'), has('source.idField')),
    message: 'modes Id and LastDestinationId read by source.idField, which is missing',
    fix: 'name the ascending column in source.idField, or use mode Snapshot or Timestamp',
  },
  {
    path: 'source.timestampField',
    condition: implies(
      isOneOf('mode', 'Timestamp', 'LastDestinationTimestamp'),
      has('source.timestampField'),
    ),
    message: 'modes Timestamp and LastDestinationTimestamp read by source.timestampField, which is missing',
    fix: 'name the column with the time of the last change in source.timestampField, or use mode Snapshot or Id',
  },
  {
    path: 'writeMode',
    condition: not(
      all(isOneOf('mode', 'Snapshot'), isOneOf('writeMode', 'Append'), not(has('schedule.once'))),
    ),
    message: 'Snapshot with Append writes every row again at each pass',
    fix: 'use writeMode Upsert or Replace, or schedule: { once: true }',
  },
  {
    path: 'writeMode',
    condition: implies(isOneOf('writeMode', 'Replace'), isOneOf('mode', 'Snapshot')),
    message: 'Replace needs every row in each pass',
    fix: 'use mode Snapshot, or writeMode Upsert',
  },
  {
    path: 'source.startFrom',
    condition: implies(has('source.startFrom'), isOneOf('mode', 'Stream')),
    message: 'source.startFrom says where mode Stream begins, and other modes read from the beginning',
    fix: 'remove it, or use mode Stream',
  },
  {
    path: 'deletes',
    condition: implies(isOneOf('deletes', 'Hard', 'Soft'), isOneOf('writeMode', 'Upsert')),
    message: 'a deletion needs the key of its row, and only Upsert has one',
    fix: 'use writeMode Upsert, or deletes Ignore',
  },
  {
    path: 'onError',
    condition: not(all(isLastDestination, isOneOf('onError', 'Skip'))),
    message:
      'modes LastDestination... continue from the largest value at the destination, which a skipped row does not reach',
    fix: 'use onError Stop, or mode Id or Timestamp',
  },
  {
    path: 'schedule',
    condition: exactlyOne('schedule.every', 'schedule.cron', 'schedule.continuous', 'schedule.once'),
    message: 'schedule must set exactly one of every, cron, continuous, once',
    fix: 'keep one of them: schedule: { every: 10s }',
  },
  {
    path: 'schedule.timeZone',
    condition: implies(has('schedule.timeZone'), has('schedule.cron')),
    message: 'schedule.timeZone belongs to cron',
    fix: 'remove it, or set schedule.cron',
  },
];

/** Fields that are in the schema to reserve their names, and refused until they are implemented. */
const laterRules: readonly Rule[] = [
  {
    path: 'onError',
    condition: not(isOneOf('onError', 'DeadLetter')),
    message: 'onError DeadLetter is not offered in this version',
    fix: 'use Stop or Skip',
  },
  {
    path: 'transforms',
    condition: not(isFilled('transforms')),
    message: 'transforms are not offered in this version',
    fix: 'remove them; a source.query can select, rename, cast and filter',
  },
];

/** Which modes see deletions. */
function deletionRule({ seesDeletes }: Offered): Rule {
  return {
    path: 'deletes',
    condition: implies(isOneOf('deletes', 'Hard', 'Soft'), isOneOf('mode', ...seesDeletes)),
    message: 'a mode that queries rows does not detect deletions',
    fix: `use mode ${alternatives(seesDeletes)}, or deletes Ignore; writeMode Replace also applies deletions at the source`,
  };
}

/** `offered`: what the systems have. */
export function syncRules(offered: Offered): readonly Rule[] {
  return [
    ...objectRules(offered),
    ...httpRules,
    ...modeRules,
    deletionRule(offered),
    ...laterRules,
    ...systemFieldRules(offered),
  ];
}
