import type { Finding } from '../../core/errors.ts';
import type { NameRules } from '../../core/name-rules.ts';
import { isOwnTable } from '../../core/own-tables.ts';
import type { Relation } from '../../core/values.ts';

/** Checks the name returned by the server: another spelling may be the same table there, which rules over the manifest cannot detect. */
export function ownTableFindings(
  { name }: Pick<Relation, 'name'>,
  path: string,
  { partsOf }: Pick<NameRules, 'partsOf'>,
): Finding[] {
  if (!isOwnTable(partsOf(name).at(-1) ?? '')) return [];
  return [
    {
      severity: 'error',
      code: 'OwnTableNamed',
      path,
      message: `${name} is an internal table of Idra`,
      fix: 'name another table',
    },
  ];
}
