import { createInterface } from 'node:readline/promises';
import { permanent } from '../core/errors.ts';

/**
 * For operations that reread or destroy data: explains the effect, asks on a terminal, and refuses without a terminal unless --yes is
 * given.
 */
export async function requireYes(options: { readonly yes?: boolean }, what: string): Promise<void> {
  if (options.yes) return;
  if (!process.stdin.isTTY) throw permanent('YesNeeded', what, { fix: 'repeat with --yes' });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${what}. Continue? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw permanent('NotConfirmed', 'nothing was done');
  } finally {
    lines.close();
  }
}
