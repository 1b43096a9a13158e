export function SyncEditor(_props: { readonly of?: { readonly namespace: string; readonly name: string } }) {
  return null;
}
