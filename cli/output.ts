import { stringify } from 'yaml';
import { permanent } from '../core/errors.ts';

export const outputKinds = ['wide', 'json', 'yaml', 'name'] as const;
export type OutputKind = (typeof outputKinds)[number];

export function requireOutput(kind: string | undefined): OutputKind | undefined {
  if (kind === undefined) return undefined;
  const known = outputKinds.find((each) => each === kind);
  if (known) return known;
  throw permanent('CallInvalid', `-o ${kind} is not known`, {
    mend: `use one of ${outputKinds.join(', ')}`,
  });
}

/** Objects as JSON or YAML; JSON never says less than text. */
export function formatObjects(kind: 'json' | 'yaml', value: unknown): string {
  return kind === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value);
}
