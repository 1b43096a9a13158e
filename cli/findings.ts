import type { Finding } from '../core/errors.ts';

/** One finding, the same wherever it is shown: `orders.yaml:12: error: spec.mode: message; what to do`. */
export function formatFinding(finding: Finding): string {
  const place = finding.place ? `${finding.place}: ` : '';
  const path = finding.path ? `${finding.path}: ` : '';
  const mend = finding.mend ? `\n    ${finding.mend}` : '';
  return `${place}${finding.severity}: ${path}${finding.message}${mend}`;
}

export function printFindings(findings: readonly Finding[], write: (text: string) => void): void {
  for (const finding of findings) write(`${formatFinding(finding)}\n`);
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}
