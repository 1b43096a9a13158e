import type { Finding } from '../../../core/errors.ts';
import type { Relation } from '../../../core/values.ts';
import type { Session } from '../session.ts';

/**
 * A money value is a count of the smallest coins; only lc_monetary defines how many of them make one unit. Idra's sessions use 'C', with
 * two digits. If the server uses another number of digits, the same value is read as a different amount.
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
      message: `column ${column.name} of ${name} is money, and lc_monetary of the server does not use two digits after the decimal point`,
      fix: 'cast it to numeric in source.query, and make the column of the destination numeric',
    },
  ];
}
