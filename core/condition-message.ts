import { errorCodes, normalReasons } from './error-codes.ts';

/** A condition must not have an empty message: if none is given, the description of its reason is used. */
export function conditionMessage(reason: string, message: string): string {
  if (message.trim() !== '') return message;
  const normal = (normalReasons as Readonly<Record<string, string | undefined>>)[reason];
  const error = (errorCodes as Readonly<Record<string, { readonly cause: string } | undefined>>)[reason];
  return normal ?? error?.cause ?? reason;
}
