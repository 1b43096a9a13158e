import { ownTablePattern } from '../own-tables.ts';
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
import type { Rule } from './rules.ts';

const objects = ['table', 'collection', 'topic', 'prefix', 'path'] as const;
const later = [
  'collection',
  'topic',
  'prefix',
  'path',
  'format',
  'compression',
  'method',
  'bodyTemplate',
] as const;
const isLastDestination = isOneOf('mode', 'LastDestinationId', 'LastDestinationTimestamp');

const objectRules: readonly Rule[] = [
  {
    path: 'source',
    condition: exactlyOne(...objects.map((each) => `source.${each}`), 'source.query'),
    message: 'source names not exactly one thing to read',
    mend: 'set one of source.table and source.query',
  },
  {
    path: 'destination',
    condition: exactlyOne(...objects.map((each) => `destination.${each}`)),
    message: 'destination names not exactly one thing to write',
    mend: 'set destination.table',
  },
  {
    path: 'destination.table',
    condition: not(
      all(isSame('source.dataSource', 'destination.dataSource'), isSame('source.table', 'destination.table')),
    ),
    message: 'source and destination are the same table',
    mend: 'write to another table, or another DataSource',
  },
  ...['source.table', 'destination.table'].map((path) => ({
    path,
    condition: not(isLike(path, ownTablePattern)),
    message: 'names that begin with _idra_ are those of tables that Idra makes for itself',
    mend: 'name another table',
  })),
  {
    path: 'source.key',
    condition: implies(has('source.query'), has('source.key')),
    message: 'a query has no key of its own',
    mend: 'name the columns that identify a row in source.key',
  },
  {
    path: 'source.key',
    condition: isUnique('source.key'),
    message: 'source.key names a column twice',
    mend: 'name each column once',
  },
  {
    path: 'destination.key',
    condition: isUnique('destination.key'),
    message: 'destination.key names a column twice',
    mend: 'name each column once',
  },
];

const modeRules: readonly Rule[] = [
  {
    path: 'source.idField',
    condition: implies(isOneOf('mode', 'Id', 'LastDestinationId'), has('source.idField')),
    message: 'modes Id and LastDestinationId read by source.idField, which is missing',
    mend: 'name the growing column in source.idField, or use mode Snapshot or Timestamp',
  },
  {
    path: 'source.timestampField',
    condition: implies(
      isOneOf('mode', 'Timestamp', 'LastDestinationTimestamp'),
      has('source.timestampField'),
    ),
    message: 'modes Timestamp and LastDestinationTimestamp read by source.timestampField, which is missing',
    mend: 'name the column with the time of the last change in source.timestampField, or use mode Snapshot or Id',
  },
  {
    path: 'writeMode',
    condition: not(
      all(isOneOf('mode', 'Snapshot'), isOneOf('writeMode', 'Append'), not(has('schedule.once'))),
    ),
    message: 'Snapshot with Append writes every row again at each pass',
    mend: 'use writeMode Upsert or Replace, or schedule: { once: true }',
  },
  {
    path: 'writeMode',
    condition: implies(isOneOf('writeMode', 'Replace'), isOneOf('mode', 'Snapshot')),
    message: 'Replace needs every row in each pass',
    mend: 'use mode Snapshot, or writeMode Upsert',
  },
  {
    path: 'onError',
    condition: not(all(isLastDestination, isOneOf('onError', 'Skip'))),
    message:
      'modes LastDestination... go on from the largest value at the destination, which a skipped row does not reach',
    mend: 'use onError Stop, or mode Id or Timestamp',
  },
  {
    path: 'schedule',
    condition: exactlyOne('schedule.every', 'schedule.cron', 'schedule.continuous', 'schedule.once'),
    message: 'schedule has not exactly one of every, cron, continuous and once',
    mend: 'keep one of them: schedule: { every: 10s }',
  },
  {
    path: 'schedule.timeZone',
    condition: implies(has('schedule.timeZone'), has('schedule.cron')),
    message: 'schedule.timeZone belongs to cron',
    mend: 'remove it, or set schedule.cron',
  },
];

/** In the schema, so that their room is kept, and refused until they do something. */
const laterRules: readonly Rule[] = [
  {
    path: 'mode',
    condition: not(isOneOf('mode', 'Stream')),
    message: 'mode Stream is not offered in this version',
    mend: 'use Timestamp, Id or Snapshot',
  },
  {
    path: 'deletes',
    condition: isOneOf('deletes', 'Ignore'),
    message: 'deletes Hard and Soft are not offered in this version',
    mend: 'use Ignore; writeMode Replace takes over what was deleted at the source',
  },
  {
    path: 'onError',
    condition: not(isOneOf('onError', 'DeadLetter')),
    message: 'onError DeadLetter is not offered in this version',
    mend: 'use Stop or Skip',
  },
  {
    path: 'transforms',
    condition: not(isFilled('transforms')),
    message: 'transforms are not offered in this version',
    mend: 'remove them; a source.query can select, rename, cast and filter',
  },
  ...['source', 'destination'].flatMap((end) => later.map((field) => laterField(end, field))),
  laterField('source', 'itemsPath'),
  laterField('source', 'paging'),
];

function laterField(end: string, field: string): Rule {
  return {
    path: `${end}.${field}`,
    condition: not(has(`${end}.${field}`)),
    message: `${end}.${field} is of a system that is not offered in this version`,
    mend: end === 'source' ? 'remove it; use table or query' : 'remove it; use table',
  };
}

export const syncRules: readonly Rule[] = [...objectRules, ...modeRules, ...laterRules];
