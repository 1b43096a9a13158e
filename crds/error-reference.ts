import { codesBySubject, type ErrorEntries, normalReasons } from '../core/error-codes.ts';

/** docs/errors.md: every code with its cause and what to do. */
export function errorReferenceText(): string {
  const sections = Object.entries(codesBySubject).map(([subject, codes]) => section(subject, codes));
  const reasons = Object.entries(normalReasons).map(([reason, text]) => row(`\`${reason}\``, text));
  return `${head}${sections.join('')}${end}${reasons.join('\n')}\n`;
}

function section(subject: string, entries: ErrorEntries): string {
  const rows = Object.entries(entries).map(([code, { cause, remedy, systems }]) =>
    row(`\`${code}\``, cause, remedy, systems?.join(', ') ?? ''),
  );
  return `
## ${subject.charAt(0).toUpperCase()}${subject.slice(1)}

| code | cause | what to do | only with |
|---|---|---|---|
${rows.join('\n')}
`;
}

const head = `# Errors

Generated from core/error-codes/ (\`node crds/generate.ts\`): do not edit. A code is the reason of a condition, the \`code\` of
\`status.lastError\`, of a line in the log and of a finding of \`idra check\` and \`idra plan\`. The message beside it names the object, the
field and what to do; these tables describe it in general. One event has the same code in every system.
`;

const end = `
## Without an error

Reasons of a status without an error:

| reason | meaning |
|---|---|
`;

function row(...cells: readonly string[]): string {
  return `| ${cells.map((each) => each.replaceAll('|', '\\|')).join(' | ')} |`;
}
