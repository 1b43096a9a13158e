import type { Grant } from '../api/types.ts';
import { SelectField, TextField } from '../parts/field.tsx';
import { strings } from '../strings.ts';

const text = strings.grants;
export const roleNames = ['viewer', 'editor', 'admin'] as const;
export type RoleName = (typeof roleNames)[number];

export function GrantText({ grants }: { readonly grants: readonly Grant[] }) {
  if (grants.length === 0) return <span className="soft">{text.none}</span>;
  return (
    <ul className="plain-list">
      {grants.map(({ role, namespaces }) => (
        <li key={`${role} ${namespaces.join()}`}>
          {text.roles[role]} {namespaces.includes('*') ? text.everywhere : text.in(namespaces.join(', '))}
        </li>
      ))}
    </ul>
  );
}

export interface DraftGrant {
  readonly role: RoleName;
  /** Separated by commas or spaces. */
  readonly namespaces: string;
}

export function grantOf({ role, namespaces }: DraftGrant): Grant {
  const names = namespaces.split(/[\s,]+/).filter((name) => name !== '');
  return { role, namespaces: names.length === 0 ? ['*'] : names };
}

/** One role for some namespaces. Several are given by the API. */
export function GrantFields({
  grant,
  onChange,
}: {
  readonly grant: DraftGrant;
  readonly onChange: (grant: DraftGrant) => void;
}) {
  return (
    <>
      <SelectField
        label={text.role}
        value={grant.role}
        options={roleNames.map((role) => [role, `${text.roles[role]}: ${text.does[role]}`] as const)}
        onChange={(role) => onChange({ ...grant, role: role as RoleName })}
      />
      <TextField
        label={text.namespaces}
        hint={text.namespacesHint}
        value={grant.namespaces}
        onChange={(event) => onChange({ ...grant, namespaces: event.target.value })}
      />
    </>
  );
}
