import { Option } from 'commander';
import { stringify } from 'yaml';

export type OutputKind = 'wide' | 'json' | 'yaml' | 'name';

const described: Readonly<Record<OutputKind, string>> = {
  wide: 'wide (more columns)',
  json: 'json',
  yaml: 'yaml',
  name: 'name',
};

/** `-o` with the kinds that a command supports; others are refused. */
export function outputOption(...kinds: readonly OutputKind[]): Option {
  const texts = kinds.map((each) => described[each]);
  return new Option('-o, --output <kind>', `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`).choices(
    kinds,
  );
}

/** Objects as JSON or YAML; JSON contains at least everything that the text output shows. */
export function formatObjects(kind: 'json' | 'yaml', value: unknown): string {
  return kind === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value);
}
