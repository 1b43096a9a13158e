import { jsonOf } from '../../../core/records/canonical-json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { Value } from '../../../core/values.ts';
import type { Page } from './pages.ts';
import { elementOf, type Field, type Leaf, type Shape } from './schema.ts';

/** The values of one leaf with their levels, across pages. The pages of all rows that are assembled must have been added before. */
export class LeafCursor {
  readonly leaf: Leaf;
  readonly #pages: Page[] = [];
  #at = 0;
  /** Index among the values that are there, of the current page. */
  #value = 0;
  #rowStarts = 0;

  constructor(leaf: Leaf) {
    this.leaf = leaf;
  }

  add(page: Page): void {
    this.#pages.push(page);
    for (let index = 0; index < page.valueCount; index++)
      if (page.repetitions === undefined || page.repetitions[index] === 0) this.#rowStarts += 1;
  }

  /** Rows that begin in what was added and not yet read. */
  get rowStarts(): number {
    return this.#rowStarts;
  }

  /** -1 behind the last value. */
  get repetition(): number {
    const [page] = this.#pages;
    if (!page) return -1;
    return page.repetitions?.[this.#at] ?? 0;
  }

  get definition(): number {
    const [page] = this.#pages;
    if (!page) throw new RangeError(`column ${this.leaf.node.name} has fewer values than rows`);
    return page.definitions ? (page.definitions[this.#at] ?? 0) : this.leaf.maxDefinition;
  }

  /** The current value, if there is one; moves to the next also if it throws. */
  take(): Value {
    const [page] = this.#pages;
    const isThere = this.definition === this.leaf.maxDefinition;
    const index = this.#value;
    if (this.repetition === 0) this.#rowStarts -= 1;
    if (isThere) this.#value += 1;
    this.#at += 1;
    if (page && this.#at === page.valueCount) {
      this.#pages.shift();
      this.#at = 0;
      this.#value = 0;
    }
    return isThere && page ? page.valueAt(index) : null;
  }

  /** Moves to the end of a row, of which `rowStarts` were there before it. */
  leaveRow(rowStarts: number): void {
    while (this.repetition > 0 || (this.repetition === 0 && this.#rowStarts === rowStarts)) {
      try {
        this.take();
      } catch (thrown) {
        if (!(thrown instanceof Misfit)) throw thrown;
      }
    }
  }
}

type Cursors = ReadonlyMap<Leaf, LeafCursor>;
/** Reads one value of a shape: an array, or JSON text. */
type Assemble = (cursors: Cursors) => Value;

/** Makes the value of a field for one row: an array of values, or the text of JSON. */
export function assemblerOf({ type, shape }: Field): Assemble {
  if (type.kind === 'array') return arrayOf(shape);
  const json = jsonAssembler(shape);
  return (cursors) => {
    const text = json(cursors);
    return text === 'null' ? null : text;
  };
}

function arrayOf(shape: Shape): Assemble {
  const repeated = shape.kind === 'list' ? (shape.children[0] as Shape) : shape;
  const element = shape.kind === 'list' ? elementOf(shape) : shape;
  const [leaf] = shape.leaves as readonly [Leaf];
  return (cursors) => {
    const cursor = cursorOf(cursors, leaf);
    if (shape.kind === 'list' && shape.repetition === 'optional' && cursor.definition < shape.definition) {
      cursor.take();
      return null;
    }
    return repeatedly(cursors, repeated, () =>
      (element === repeated ? cursor : cursorOf(cursors, leaf)).take(),
    );
  };
}

type AssembleJson = (cursors: Cursors) => string;

function jsonAssembler(shape: Shape): AssembleJson {
  if (shape.repetition !== 'repeated') return optional(shape, contentOf(shape));
  const content = contentOf(shape);
  return (cursors) => `[${repeatedly(cursors, shape, () => content(cursors)).join(',')}]`;
}

function optional(shape: Shape, content: AssembleJson): AssembleJson {
  if (shape.repetition === 'required' || shape.kind === 'leaf') return content;
  return (cursors) => {
    if (firstOf(cursors, shape).definition >= shape.definition) return content(cursors);
    for (const leaf of shape.leaves) cursorOf(cursors, leaf).take();
    return 'null';
  };
}

function contentOf(shape: Shape): AssembleJson {
  switch (shape.kind) {
    case 'leaf':
      return leafJson(shape);
    case 'list': {
      const [repeated] = shape.children as readonly [Shape];
      const element = elementOf(shape);
      const item = element === repeated ? contentOf(repeated) : jsonAssembler(element);
      return (cursors) => `[${repeatedly(cursors, repeated, () => item(cursors)).join(',')}]`;
    }
    case 'map':
      return mapJson(shape.children[0] as Shape);
    case 'object': {
      const fields = shape.children.map((child) => ({
        start: `${JSON.stringify(child.name)}:`,
        json: jsonAssembler(child),
      }));
      return (cursors) => `{${fields.map(({ start, json }) => start + json(cursors)).join(',')}}`;
    }
  }
}

/** An object by the texts of its keys. */
function mapJson(entries: Shape): AssembleJson {
  const [key, value] = entries.children.map(jsonAssembler) as [AssembleJson, AssembleJson];
  return (cursors) => {
    const fields = repeatedly(cursors, entries, () => {
      const name = key(cursors);
      return `${name.startsWith('"') ? name : JSON.stringify(name)}:${value(cursors)}`;
    });
    return `{${fields.join(',')}}`;
  };
}

function leafJson({ leaves }: Shape): AssembleJson {
  const [leaf] = leaves as readonly [Leaf];
  const json = jsonOf(leaf.type.type);
  return (cursors) => {
    const text = json(cursorOf(cursors, leaf).take());
    if (text instanceof Misfit) throw text;
    return text;
  };
}

/** The values of something repeated: none if its level is not reached. */
function repeatedly<T>(cursors: Cursors, shape: Shape, item: () => T): T[] {
  const first = firstOf(cursors, shape);
  const items: T[] = [];
  if (first.definition < shape.definition) {
    for (const leaf of shape.leaves) cursorOf(cursors, leaf).take();
    return items;
  }
  do items.push(item());
  while (first.repetition >= shape.repeated);
  return items;
}

function firstOf(cursors: Cursors, { leaves }: Shape): LeafCursor {
  return cursorOf(cursors, leaves[0] as Leaf);
}

function cursorOf(cursors: Cursors, leaf: Leaf): LeafCursor {
  return cursors.get(leaf) as LeafCursor;
}
