import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../kit/processes.ts';

/** A file of a package of public data sets: real JSON, with its nulls, missing fields, odd names and mixed types. */
export interface JsonCollection {
  readonly name: string;
  /** The text of each record, as the file has it. */
  readonly records: readonly string[];
}

const folder = join(projectFolder, 'node_modules/vega-datasets/data');

/** The path of the records, where the file is not a list of them. */
const files: Readonly<Record<string, string | undefined>> = {
  budget: undefined,
  burtin: undefined,
  cars: undefined,
  countries: undefined,
  earthquakes: 'features',
  flare: undefined,
  movies: undefined,
  ohlc: undefined,
  penguins: undefined,
  'political-contributions': undefined,
  'unemployment-across-industries': undefined,
  'weekly-weather': undefined,
};

export const collectionNames: readonly string[] = Object.keys(files);

export async function readCollection(name: string): Promise<JsonCollection> {
  const text = await readFile(join(folder, `${name}.json`), 'utf8');
  const path = files[name];
  const list = path === undefined ? text : text.slice(text.indexOf('[', text.indexOf(`"${path}"`)));
  return { name, records: elementsOf(list) };
}

/** The text of each element of the array that a text begins with. */
function elementsOf(text: string): readonly string[] {
  const elements: string[] = [];
  let [depth, start, isInString] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (isInString) {
      if (char === '\\') at += 1;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      if (depth === 2) start = at;
    } else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 1) elements.push(text.slice(start, at + 1));
      if (depth === 0) return elements;
    }
  }
  throw new Error('the list has no end');
}

/** Records with a number of their own before their fields, which identifies them. */
export function numbered({ records }: JsonCollection): readonly string[] {
  return records.map((record, index) => record.replace('{', `{"row":${index + 1},`));
}

/** The numbers of all fields become texts, from which other columns would be inferred. */
export function withTexts(records: readonly string[]): readonly string[] {
  return records.map((record) => record.replaceAll(/("\s*:\s*)(-?\d[\d.eE+-]*)(?=[,}\s])/g, '$1"$2"'));
}
