import { errorCodes, normalReasons } from './error-codes.ts';

/** A condition without a message tells a user nothing: where nobody said anything, what its reason means stands there. */
export function conditionMessage(reason: string, message: string): string {
  if (message.trim() !== '') return message;
  const normal = (normalReasons as Readonly<Record<string, string | undefined>>)[reason];
  const error = (errorCodes as Readonly<Record<string, { readonly cause: string } | undefined>>)[reason];
  return normal ?? error?.cause ?? reason;
}
