import type { ColumnType } from '../../../core/values.ts';
import type { SchemaNode } from './footer.ts';
import { type LeafType, leafType } from './values.ts';

/** A column of the file: a leaf of the schema with its levels. */
export interface Leaf {
  readonly node: SchemaNode;
  readonly type: LeafType;
  /** Position among the chunks of a row group. */
  readonly index: number;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

/** What a value within a field is: which level says that it is there. */
export interface Shape {
  readonly name: string;
  readonly repetition: SchemaNode['repetition'];
  readonly definition: number;
  readonly repeated: number;
  readonly kind: 'leaf' | 'object' | 'list' | 'map';
  readonly leaves: readonly Leaf[];
  /** Of a list its element, of a map key and value. */
  readonly children: readonly Shape[];
}

/** A top-level field, which is a column of the rows. */
export interface Field {
  readonly name: string;
  readonly type: ColumnType;
  /** As it is in the file: `int64 timestamp`. */
  readonly nativeType: string;
  readonly isNullable: boolean;
  readonly shape: Shape;
}

export function fieldsOf(root: SchemaNode): readonly Field[] {
  const counter = { next: 0 };
  return root.children.map((node) => {
    const shape = shapeOf(node, 0, 0, counter);
    return {
      name: node.name,
      type: columnType(shape),
      nativeType: nativeName(node),
      isNullable: node.repetition === 'optional',
      shape,
    };
  });
}

interface Counter {
  next: number;
}

function shapeOf(node: SchemaNode, definition: number, repetition: number, counter: Counter): Shape {
  const isRepeated = node.repetition === 'repeated';
  const own = definition + (node.repetition === 'required' ? 0 : 1);
  const repeated = repetition + (isRepeated ? 1 : 0);
  const base = { name: node.name, repetition: node.repetition, definition: own, repeated };
  if (node.children.length === 0) {
    const leaf: Leaf = {
      node,
      type: leafType(node),
      index: counter.next++,
      maxDefinition: own,
      maxRepetition: repeated,
    };
    return { ...base, kind: 'leaf', leaves: [leaf], children: [] };
  }
  const children = node.children.map((child) => shapeOf(child, own, repeated, counter));
  const leaves = children.flatMap((child) => child.leaves);
  return { ...base, ...groupOf(node, children), leaves };
}

/** The repeated group of a list or map is left out: its element is the child. */
function groupOf(node: SchemaNode, children: readonly Shape[]): Pick<Shape, 'kind' | 'children'> {
  const [only] = children;
  if (children.length !== 1 || only?.repetition !== 'repeated') return { kind: 'object', children };
  if (node.logical?.kind === 'list') return { kind: 'list', children: [only] };
  if (node.logical?.kind === 'map' && only.children.length === 2) return { kind: 'map', children: [only] };
  return { kind: 'object', children };
}

/**
 * The element of a list: in most files the repeated group has one field, the element. Older writers repeat the element itself, which is
 * recognized by its name, or by having several fields.
 */
export function elementOf({ name, children }: Shape): Shape {
  const [repeated] = children as readonly [Shape];
  const [only] = repeated.children;
  const isElement =
    repeated.kind === 'leaf' ||
    repeated.children.length !== 1 ||
    repeated.name === 'array' ||
    repeated.name === `${name}_tuple`;
  return isElement || !only ? repeated : only;
}

function columnType(shape: Shape): ColumnType {
  const element =
    shape.kind === 'list' ? elementOf(shape) : shape.repetition === 'repeated' ? shape : undefined;
  const [leaf] = shape.leaves;
  if (element?.kind === 'leaf' && leaf) return { kind: 'array', of: leaf.type.type };
  return shape.kind === 'leaf' && leaf ? leaf.type.type : { kind: 'json' };
}

function nativeName({ physical, logical, length, children }: SchemaNode): string {
  if (children.length > 0)
    return logical?.kind === 'list' || logical?.kind === 'map' ? logical.kind : 'group';
  const base = (physical ?? '').toLowerCase() + (length > 0 ? `(${length})` : '');
  if (!logical) return base;
  switch (logical.kind) {
    case 'decimal':
      return `${base} decimal(${logical.precision},${logical.scale})`;
    case 'integer':
      return `${base} ${logical.isSigned ? '' : 'u'}int${logical.bits}`;
    case 'time':
    case 'timestamp':
      return `${base} ${logical.kind}(${logical.digits}${logical.isUtc ? ', UTC' : ''})`;
    default:
      return `${base} ${logical.kind}`;
  }
}
