import type { Finding } from '../errors.ts';
import { isObjectName } from './fields.ts';

export interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

const labelText = /^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const labelFix =
  'write at most 63 letters, digits, -, _ and . as name and as value, with a letter or digit at both ends';
const isNamespace = (text: string) => isObjectName(text) && text.length <= 63 && !text.includes('.');

/** The rules of Kubernetes for what is beside the spec, for where no API server of Kubernetes checks them. */
export function metadataFindings({ namespace, name, labels = {} }: Metadata): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (path: string, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'ManifestInvalid', path: `metadata.${path}`, message, fix });
  if (!isObjectName(name)) {
    const wrong = name === '' ? 'the object has no name' : `${JSON.stringify(name)} is not a valid name`;
    add('name', wrong, 'write lower case letters, digits, - and .');
  }
  if (!isNamespace(namespace))
    add(
      'namespace',
      `${JSON.stringify(namespace)} is not a valid name of a namespace`,
      'write at most 63 lower case letters, digits and -',
    );
  return [...findings, ...labelFindings(labels)];
}

/** null: the label is deleted. */
export function labelFindings(labels: Readonly<Record<string, string | null>>): readonly Finding[] {
  return Object.entries(labels).flatMap(([key, value]): Finding[] => {
    if (isLabelName(key) && (value === null || value === '' || labelText.test(value))) return [];
    const message = `${JSON.stringify(key)}: ${JSON.stringify(value)} is not a valid label`;
    return [{ severity: 'error', code: 'ManifestInvalid', path: 'metadata.labels', message, fix: labelFix }];
  });
}

/** `app`, or with a prefix: `example.org/app`. */
function isLabelName(text: string): boolean {
  const [prefix, name, ...more] = text.includes('/') ? text.split('/') : [undefined, text];
  if (more.length > 0 || name === undefined || !labelText.test(name)) return false;
  return prefix === undefined || isObjectName(prefix);
}
