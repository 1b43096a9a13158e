import type { Finding } from '../../core/errors.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { SourceFields } from './source/source-fields.ts';

/** What a user should know about reading this list in this mode. */
export function sourceFindings(mode: Mode, object: SourceObject, fields: SourceFields): readonly Finding[] {
  return [...lagFindings(mode), ...offsetFindings(mode, fields), ...cursorFindings(object, fields)];
}

function lagFindings(mode: Mode): readonly Finding[] {
  if (mode === 'Snapshot') return [];
  return [
    {
      severity: 'info',
      code: 'LateRowsBySafetyLag',
      path: 'spec.safetyLag',
      message: 'an API does not show what it is writing: only safetyLag covers items that appear late',
      fix: 'set safetyLag to longer than the API takes from giving an item its id or time to showing it',
    },
  ];
}

/** Without a parameter, each pass reads the whole list and leaves out what it has read before. */
function offsetFindings(mode: Mode, fields: SourceFields): readonly Finding[] {
  if (mode === 'Snapshot' || fields.takesOffset) return [];
  return [
    {
      severity: 'warning',
      code: 'WholeListRead',
      path: 'spec.source.param',
      message: `each pass in mode ${mode} reads the whole list, because no parameter tells the API what was read before`,
      fix: 'set source.param to the parameter with which the API leaves out older items, if it has one',
    },
  ];
}

function cursorFindings({ paging }: SourceObject, fields: SourceFields): readonly Finding[] {
  if (paging?.cursorPath === undefined || paging.cursorParam !== undefined || fields.takesCursor) return [];
  return [
    {
      severity: 'error',
      code: 'ManifestInvalid',
      path: 'spec.source.paging.cursorParam',
      message: 'the cursor of the next page is not sent: paging has cursorPath and no cursorParam',
      fix: 'set cursorParam to the parameter that takes the cursor, or use {{ cursor }} in path or bodyTemplate',
    },
  ];
}
