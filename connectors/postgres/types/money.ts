import type { Finding } from '../../../core/errors.ts';
import type { Relation } from '../../../core/values.ts';
import type { Session } from '../session.ts';

/**
 * A value of money is a number of the smallest coins, and how many of them make one is the matter of lc_monetary alone. Sessions of Idra
 * have 'C', with two digits: where the server gives another number to its own, the same value is another sum here.
 */
export async function moneyFindings(
  session: Session,
  { columns, name }: Relation,
  path: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const column = columns.find((each) => /^money(\[\])*$/.test(each.nativeType));
  if (!column) return [];
  const [[digits] = []] = await session.query(
    `SELECT pg_catalog.set_config('lc_monetary', reset_val, true) FROM pg_catalog.pg_settings WHERE name = 'lc_monetary';
     SELECT pg_catalog.regexp_replace(1::money::text, '[^0-9]', '', 'g')`,
    signal,
  );
  if (digits === '100') return [];
  return [
    {
      severity: 'error',
      code: 'TypeNotKept',
      path,
      message: `column ${column.name} of ${name} is money, and lc_monetary of the server has other than two digits behind the point`,
      mend: 'cast it to numeric in source.query, and make the column of the destination numeric',
    },
  ];
}
