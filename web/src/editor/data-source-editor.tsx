export function DataSourceEditor(_props: {
  readonly of?: { readonly namespace: string; readonly name: string };
}) {
  return null;
}
