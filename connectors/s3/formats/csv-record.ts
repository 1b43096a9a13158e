import type { NodeAccess } from '../../../core/records/node.ts';

/** A record with the names of its fields. An empty field without quotes is null. */
export interface CsvRecord {
  readonly names: readonly string[];
  readonly fields: readonly (string | null)[];
}
export type CsvField = string | null;

/** CSV has texts only: conversion and inference treat them like the texts of JSON. One that is JSON itself is kept as it is in a column of JSON. */
export const csvAccess: NodeAccess<CsvRecord | CsvField> = {
  read(node) {
    if (node === null) return { kind: 'null' };
    return typeof node === 'string' ? { kind: 'text', text: node } : { kind: 'object' };
  },
  field(node, name) {
    if (!isRecord(node)) return undefined;
    const index = node.names.indexOf(name);
    return index < 0 ? undefined : node.fields[index];
  },
  item: () => undefined,
  *fields(node) {
    if (!isRecord(node)) return;
    for (const [index, name] of node.names.entries()) yield [name, node.fields[index] ?? null] as const;
  },
  items: () => [],
  json(node) {
    if (!isRecord(node)) return node !== null && isJson(node) ? node : JSON.stringify(node);
    const fields = node.names.map(
      (name, index) => `${JSON.stringify(name)}:${JSON.stringify(node.fields[index] ?? null)}`,
    );
    return `{${fields.join(',')}}`;
  },
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isRecord(node: CsvRecord | CsvField): node is CsvRecord {
  return node !== null && typeof node === 'object';
}
