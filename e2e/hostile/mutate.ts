/** What a server sent in answer to each message of its client. */
export type Units = readonly Buffer[];

/** One to four changes, then possibly an early end: like a broken, wrong or hostile server might send it. */
export function mutate(units: Units, random: () => number): Buffer[] {
  const changed: Buffer[] = units.map((unit) => Buffer.from(unit));
  const changes = 1 + Math.floor(random() * 4);
  for (let change = 0; change < changes; change++) {
    const at = Math.floor(random() * changed.length);
    const unit = changed[at];
    if (unit !== undefined) changed[at] = mutateUnit(unit, changed, random);
  }
  if (random() < 0.2) return changed.slice(0, 1 + Math.floor(random() * changed.length));
  return changed;
}

function mutateUnit(unit: Buffer, all: Units, random: () => number): Buffer {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const at = upTo(unit.length);
  switch (upTo(7)) {
    case 0: {
      const flips = 1 + upTo(8);
      for (let flip = 0; flip < flips; flip++) if (unit.length > 0) unit[upTo(unit.length)] = upTo(256);
      return unit;
    }
    case 1:
      return writeLength(unit, at, upTo(8));
    case 2:
      return unit.subarray(0, at);
    case 3:
      return Buffer.concat([unit.subarray(0, at), unit.subarray(at + upTo(40))]);
    case 4:
      return Buffer.concat([unit, unit.subarray(at, at + upTo(400))]);
    case 5: {
      const noise = Buffer.from(Array.from({ length: 1 + upTo(20) }, () => upTo(256)));
      return Buffer.concat([unit.subarray(0, at), noise, unit.subarray(at)]);
    }
    default:
      return Buffer.from(all[upTo(all.length)] ?? unit);
  }
}

/** Lengths that are likely to confuse parsers. */
const lengths = [0, 1, 0x7f, 0xff, 0xff_ff, 0xff_ff_ff, 0x7f_ff_ff_ff, 0xff_ff_ff_ff];

function writeLength(unit: Buffer, at: number, choice: number): Buffer {
  const length = lengths[choice] ?? 0;
  if (at + 4 <= unit.length) unit.writeUInt32BE(length >>> 0, at);
  return unit;
}

const openBrace = 0x7b;

/** A few changes that mostly leave it as it was, so that the damage is found late. */
export function damaged(original: Buffer, random: () => number): Buffer {
  if (random() < 0.3) return Buffer.concat(mutate([original], random));
  const upTo = (limit: number) => Math.floor(random() * limit);
  const changes = 1 + upTo(2);
  if (original[0] !== openBrace) {
    const bytes = Buffer.from(original);
    for (let change = 0; change < changes; change++)
      bytes[upTo(bytes.length)] = random() < 0.5 ? upTo(256) : (bytes[upTo(bytes.length)] ?? 0);
    return bytes;
  }
  // One text, number or name in the place of another: the result is JSON.
  const tokens = original.toString().split(/("[^"]*"|-?\d+|null|true)/);
  const places = tokens.flatMap((_, index) => (index % 2 === 1 ? [index] : []));
  for (let change = 0; change < changes; change++)
    tokens[places[upTo(places.length)] ?? 1] = tokens[places[upTo(places.length)] ?? 1] ?? '';
  return Buffer.from(tokens.join(''));
}
