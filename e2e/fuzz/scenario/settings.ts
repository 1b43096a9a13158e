import { Random } from '../prng.ts';
import { fuzzSystems } from '../systems/index.ts';
import { type FuzzSystemName, fuzzSystemNames } from '../systems/system.ts';

/** Number of consecutive seeds that share their servers' settings, databases and engine. */
export const blockSize = 32;

export interface ChosenSetting {
  readonly name: string;
  readonly value: string;
}

export type BlockSettings = Readonly<Record<FuzzSystemName, readonly ChosenSetting[]>>;

export function blockOf(seed: number): number {
  return Math.floor(seed / blockSize);
}

/** Settings of servers, databases and roles; every second block has the settings of a new installation. */
export function blockSettings(block: number): BlockSettings {
  const random = new Random(block + 0x5e77);
  const chosen = (system: FuzzSystemName) =>
    block % 2 === 0 || fuzzSystems[system].settings.length === 0
      ? []
      : random
          .some(fuzzSystems[system].settings, random.between(1, 5))
          .map(({ name, values }) => ({ name, value: random.pick(values) }));
  return Object.fromEntries(
    fuzzSystemNames.map((system) => [system, chosen(system)]),
  ) as unknown as BlockSettings;
}
