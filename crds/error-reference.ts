import { type ErrorEntry, errorCodes, normalReasons } from '../core/error-codes.ts';

/** docs/errors.md: every code with its cause and what to do. */
export function errorReferenceText(): string {
  const codes: [string, ErrorEntry][] = Object.entries(errorCodes);
  const rows = codes.map(([code, { cause, remedy, systems }]) =>
    row(`\`${code}\``, cause, remedy, systems?.join(', ') ?? ''),
  );
  const reasons = Object.entries(normalReasons).map(([reason, text]) => row(`\`${reason}\``, text));
  return `${head}${rows.join('\n')}\n${middle}${reasons.join('\n')}\n`;
}

const head = `# Errors

Generated from core/error-codes.ts (\`node crds/generate.ts\`): do not edit. A code is the reason of a condition, the \`code\` of
\`status.lastError\`, of a line in the log and of a finding of \`idra check\` and \`idra plan\`. The message beside it names the object, the
field and what to do; this table describes it in general. One event has the same code in every system.

| code | cause | what to do | only with |
|---|---|---|---|
`;

const middle = `
Reasons of a status without an error:

| reason | meaning |
|---|---|
`;

function row(...cells: readonly string[]): string {
  return `| ${cells.map((each) => each.replaceAll('|', '\\|')).join(' | ')} |`;
}
