/**
 * Conditions over a spec, each in two equivalent forms: a function for our own validation, and CEL for the API server's. Paths are
 * relative to the spec: `source.idField`. Defaults are filled in before a condition is evaluated.
 */
export interface Condition {
  readonly cel: string;
  holds(spec: unknown): boolean;
}

export function has(path: string): Condition {
  return { cel: reached(path).join(' && '), holds: (spec) => valueAt(spec, path) !== undefined };
}

/** A non-empty list or map. */
export function isFilled(path: string): Condition {
  return {
    cel: `${has(path).cel} && size(self.${path}) > 0`,
    holds: (spec) => Object.keys(Object(valueAt(spec, path))).length > 0,
  };
}

export function isOneOf(path: string, ...values: readonly string[]): Condition {
  const list = values.map((each) => `'${each}'`).join(', ');
  return {
    cel: `${has(path).cel} && self.${path} in [${list}]`,
    holds: (spec) => values.some((each) => each === valueAt(spec, path)),
  };
}

/** A text that matches the pattern, which must mean the same in JavaScript and RE2 and contain no single quotation mark. */
export function isLike(path: string, pattern: string): Condition {
  const shape = new RegExp(pattern);
  return {
    cel: `${has(path).cel} && self.${path}.matches(r'${pattern}')`,
    holds: (spec) => {
      const value = valueAt(spec, path);
      return typeof value === 'string' && shape.test(value);
    },
  };
}

/** Both are present and equal. */
export function isSame(path: string, other: string): Condition {
  return {
    cel: `${all(has(path), has(other)).cel} && self.${path} == self.${other}`,
    holds: (spec) => valueAt(spec, path) !== undefined && valueAt(spec, path) === valueAt(spec, other),
  };
}

export function isUnique(path: string): Condition {
  return {
    cel: `!(${has(path).cel}) || self.${path}.all(one, self.${path}.exists_one(other, other == one))`,
    holds: (spec) => {
      const values = valueAt(spec, path);
      return !Array.isArray(values) || new Set(values).size === values.length;
    },
  };
}

export function not(condition: Condition): Condition {
  return { cel: `!(${condition.cel})`, holds: (spec) => !condition.holds(spec) };
}

export function all(...conditions: readonly Condition[]): Condition {
  return {
    cel: conditions.map(({ cel }) => `(${cel})`).join(' && '),
    holds: (spec) => conditions.every((each) => each.holds(spec)),
  };
}

export function any(...conditions: readonly Condition[]): Condition {
  return {
    cel: conditions.map(({ cel }) => `(${cel})`).join(' || '),
    holds: (spec) => conditions.some((each) => each.holds(spec)),
  };
}

/** If the first holds, the second must hold. */
export function implies(first: Condition, second: Condition): Condition {
  return any(not(first), second);
}

export function exactlyOne(...paths: readonly string[]): Condition {
  return {
    cel: `[${paths.map((path) => has(path).cel).join(', ')}].filter(isThere, isThere).size() == 1`,
    holds: (spec) => paths.filter((path) => valueAt(spec, path) !== undefined).length === 1,
  };
}

export function valueAt(spec: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), spec);
}

/** `has` of CEL checks only the last field, so each field on the path is checked too. */
function reached(path: string): string[] {
  const names = path.split('.');
  return names.map((_name, index) => `has(self.${names.slice(0, index + 1).join('.')})`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
