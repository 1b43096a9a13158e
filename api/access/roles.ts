/** From least to most. Each includes those before it. */
export const roles = ['viewer', 'editor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** A role for some namespaces; `*`: all, and what belongs to no namespace. */
export interface Grant {
  readonly role: Role;
  readonly namespaces: readonly string[];
}

export const everywhere = '*';

function includes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Whether the role is granted for this namespace; `*`: for all of them. */
export function isGranted(grants: readonly Grant[], needed: Role, namespace: string): boolean {
  return grants.some(
    ({ role, namespaces }) =>
      includes(role, needed) && (namespaces.includes(everywhere) || namespaces.includes(namespace)),
  );
}

/** The namespaces in which the role is granted; `*` if all. */
export function namespacesOf(
  grants: readonly Grant[],
  needed: Role,
): typeof everywhere | ReadonlySet<string> {
  const granted = grants.filter(({ role }) => includes(role, needed)).flatMap((each) => each.namespaces);
  return granted.includes(everywhere) ? everywhere : new Set(granted);
}

/** What both allow: a token never has more rights than its user has now. */
export function intersection(one: readonly Grant[], other: readonly Grant[]): readonly Grant[] {
  return one.flatMap((a) =>
    other.flatMap((b): Grant[] => {
      const namespaces = commonNamespaces(a.namespaces, b.namespaces);
      return namespaces.length > 0 ? [{ role: includes(a.role, b.role) ? b.role : a.role, namespaces }] : [];
    }),
  );
}

function commonNamespaces(one: readonly string[], other: readonly string[]): readonly string[] {
  if (one.includes(everywhere)) return other;
  return other.includes(everywhere) ? one : one.filter((each) => other.includes(each));
}

/** Whether `some` allows nothing that `all` does not allow. */
export function isWithin(some: readonly Grant[], all: readonly Grant[]): boolean {
  return some.every(({ role, namespaces }) => namespaces.every((each) => isGranted(all, role, each)));
}
