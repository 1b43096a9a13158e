import { describeError, type Finding, IdraError } from '../core/errors.ts';

/** One finding in the format used everywhere: `orders.yaml:12: error: spec.mode: message; what to do`. */
export function formatFinding(finding: Finding): string {
  const place = finding.place ? `${finding.place}: ` : '';
  const path = finding.path ? `${finding.path}: ` : '';
  const fix = finding.fix ? `\n    ${finding.fix}` : '';
  return `${place}${finding.severity}: ${path}${finding.message}${fix}`;
}

export function printFindings(findings: readonly Finding[], write: (text: string) => void): void {
  for (const finding of findings) write(`${formatFinding(finding)}\n`);
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

/** Several errors in the caller's input, each with its place: all of them are printed, and the exit status is 2. */
export class InputWrong extends IdraError {
  readonly findings: readonly Finding[];

  constructor(all: readonly Finding[]) {
    const findings = [...all].sort(byPlace);
    const texts = findings.map(describeError);
    super({ code: 'InputWrong', disposition: 'permanent', message: texts.join('; ') });
    this.findings = findings;
  }
}

/** `orders.yaml:9:3` before `orders.yaml:12:1`. */
function byPlace(one: Finding, other: Finding): number {
  return (one.place ?? '').localeCompare(other.place ?? '', 'en', { numeric: true });
}
