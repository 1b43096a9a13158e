import { apiVersion } from '../core/manifest/names.ts';
import type { ResourceKind } from './definitions.ts';
import type { StructuralSchema } from './structural.ts';

/** docs/reference.md: every field with its type, default and description, and the rules between fields. */
export function referenceText(kinds: readonly ResourceKind[]): string {
  return `${head}${kinds.map(kindText).join('\n')}`;
}

const head = `# Reference of the manifests

Generated from the schemas that validate them (\`node crds/generate.ts\`): do not edit. \`kubectl explain sync.spec --recursive\`
says the same. Durations are an integer and \`ms\`, \`s\`, \`m\` or \`h\`; sizes an integer of bytes, or one with \`Ki\`, \`Mi\` or \`Gi\`.

`;

function kindText({ kind, summary, spec, status, rules }: ResourceKind): string {
  return `## ${kind}

${summary} \`apiVersion: ${apiVersion}\`, \`kind: ${kind}\`.

### Fields of ${kind}

${fieldTable('spec', spec)}

Rules between fields:

${rules.map(({ path, message, fix }) => `- \`spec.${path}\`: ${message}; ${fix}.`).join('\n')}

### Status of ${kind}

${fieldTable('status', status)}
`;
}

function fieldTable(prefix: string, schema: StructuralSchema): string {
  const rows = rowsOf(prefix, schema).map((cells) => `| ${cells.join(' | ')} |`);
  return ['| field | type | default | |', '|---|---|---|---|', ...rows].join('\n');
}

function rowsOf(prefix: string, schema: StructuralSchema): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}.${name}`;
    const isRequired = schema.required?.includes(name) === true;
    const row = [
      `\`${path}\``,
      typeText(field),
      defaultText(field, isRequired),
      cellText(field.description ?? ''),
    ];
    // All references to Secrets have the same fields.
    if (name.endsWith('SecretRef')) return [row];
    return [row, ...rowsOf(path, field), ...(field.items ? rowsOf(`${path}[]`, field.items) : [])];
  });
}

function typeText(field: StructuralSchema): string {
  if (field.enum) return field.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (field.properties && 'name' in field.properties && 'key' in field.properties)
    return '`{ name, key }` of a Secret';
  if (field.type === 'array') return `list of ${field.items?.type ?? 'object'}`;
  if (field.additionalProperties) return `map of ${field.additionalProperties.type ?? 'object'}`;
  return field.type ?? 'object';
}

function defaultText(field: StructuralSchema, isRequired: boolean): string {
  if (isRequired) return '(needed)';
  const isOwn = field.default !== undefined && JSON.stringify(field.default) !== '{}';
  return isOwn ? `\`${JSON.stringify(field.default).replaceAll('"', '')}\`` : '';
}

function cellText(text: string): string {
  return text.replaceAll('|', '\\|');
}
