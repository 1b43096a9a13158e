type Labels = Readonly<Record<string, string>>;

/** Whether all wanted labels are present. */
export function hasLabels(
  labels: Labels,
  wanted: readonly (readonly [name: string, value: string])[],
): boolean {
  return wanted.every(([name, value]) => labels[name] === value);
}

/** Each label as `zone=mars`. */
export function labelTexts(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}
