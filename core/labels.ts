type Labels = Readonly<Record<string, string>>;

/** Whether whoever has these labels has all that are wanted. */
export function hasLabels(
  labels: Labels,
  wanted: readonly (readonly [name: string, value: string])[],
): boolean {
  return wanted.every(([name, value]) => labels[name] === value);
}

/** `zone=mars`, each. */
export function labelTexts(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}
