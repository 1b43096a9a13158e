import type { z } from 'zod';
import { pathText } from './issues.ts';

/** Splits a spec into the part that the schema knows and the paths of the unknown fields. */
export function splitUnknown(
  schema: z.ZodType,
  spec: unknown,
): { readonly known: unknown; readonly unknown: readonly string[] } {
  const { error } = schema.safeParse(spec);
  const unknown = (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
  );
  if (unknown.length === 0) return { known: spec, unknown: [] };
  const known = structuredClone(spec);
  for (const path of unknown) remove(known, path);
  return { known, unknown: unknown.map(pathText) };
}

function remove(spec: unknown, path: readonly PropertyKey[]): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, name) => Reflect.get(Object(at), name), spec);
  Reflect.deleteProperty(Object(parent), path.at(-1) ?? '');
}
