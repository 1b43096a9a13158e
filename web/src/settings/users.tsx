import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { useItems } from '../api/queries.ts';
import { useSession } from '../api/session.tsx';
import type { User } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { ConfirmButton } from '../parts/confirm.tsx';
import { Modal } from '../parts/dialog.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';
import { type DraftGrant, GrantFields, GrantText, grantOf } from './grants.tsx';

const text = strings.users;

export function Users() {
  const { data, error, reload } = useItems<User>('users');
  return (
    <>
      <Section title={text.title}>
        {error && <Failure error={error} />}
        {!data && !error && <Skeleton lines={3} />}
        {data && (
          <Table
            caption={text.title}
            rows={data.items}
            keyOf={({ name }) => name}
            columns={[
              {
                id: 'name',
                title: strings.login.user,
                cell: ({ name, isDisabled, mustSetPassword, source }) => (
                  <>
                    {name}
                    {source === 'oidc' && <span className="tag">OIDC</span>}
                    {isDisabled && <span className="tag">{text.disabled}</span>}
                    {mustSetPassword && <span className="tag">{text.mustSet}</span>}
                  </>
                ),
              },
              {
                id: 'rights',
                title: strings.settings.rights,
                cell: ({ grants }) => <GrantText grants={grants} />,
              },
              { id: 'created', title: strings.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
              {
                id: 'actions',
                title: strings.tokens.actions,
                cell: (user) => <UserActions user={user} onDone={reload} />,
              },
            ]}
          />
        )}
      </Section>
      <NewUser onMade={reload} />
    </>
  );
}

function UserActions({ user, onDone }: { readonly user: User; readonly onDone: () => void }) {
  const session = useSession();
  const path = `/users/${encodeURIComponent(user.name)}`;
  const own = user.name === session.user ? text.yourself : undefined;
  const patch = (body: object) => call(path, { method: 'PATCH', ifMatch: user.version, body });
  return (
    <span className="row-actions">
      <EditUser user={user} reason={own} onDone={onDone} />
      <ConfirmButton
        label={user.isDisabled ? text.enable : text.disable}
        kind="plain"
        title={user.isDisabled ? text.enable : text.disable}
        question={text.disableText(user.name)}
        reason={own}
        work={() => patch({ isDisabled: !user.isDisabled })}
        onDone={onDone}
      />
      <ConfirmButton
        label={strings.sync.delete}
        title={strings.sync.deleteTitle(user.name)}
        question={text.deleteText}
        reason={own}
        work={() => call(path, { method: 'DELETE' })}
        onDone={onDone}
      />
    </span>
  );
}

function draftOf({ grants: [grant] }: User): DraftGrant {
  return {
    role: grant?.role ?? 'viewer',
    namespaces: grant?.namespaces.includes('*') ? '' : (grant?.namespaces.join(', ') ?? ''),
  };
}

interface EditProps {
  readonly user: User;
  readonly reason: string | undefined;
  readonly onDone: () => void;
}

function EditUser({ user, reason, onDone }: EditProps) {
  const [isOpen, setOpen] = useState(false);
  const [grant, setGrant] = useState<DraftGrant>(() => draftOf(user));
  const [password, setPassword] = useState('');
  const saving = useMutation({
    mutationFn: () =>
      call(`/users/${encodeURIComponent(user.name)}`, {
        method: 'PATCH',
        ifMatch: user.version,
        body: { grants: [grantOf(grant)], ...(password !== '' && { password }) },
      }),
    onSuccess: () => {
      setOpen(false);
      onDone();
    },
  });
  // The form has one role; a user with several is changed by the API, so that none is lost.
  const several = user.grants.length > 1 ? text.severalGrants : undefined;
  return (
    <>
      <Button reason={reason ?? several} onClick={() => setOpen(true)}>
        {strings.sync.edit}
      </Button>
      <Modal
        title={text.editTitle(user.name)}
        description={text.editText}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
      >
        <form
          className="form"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            saving.mutate();
          }}
        >
          <GrantFields grant={grant} onChange={setGrant} />
          {user.source === 'local' && (
            <TextField
              label={text.newPassword}
              hint={text.newPasswordHint}
              type="password"
              autoComplete="new-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
          {saving.error && <Failure error={saving.error} />}
          <div className="dialog-buttons">
            <Button onClick={() => setOpen(false)}>{strings.cancel}</Button>
            <Button type="submit" kind="primary" isBusy={saving.isPending}>
              {strings.save}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}

function NewUser({ onMade }: { readonly onMade: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [grant, setGrant] = useState<DraftGrant>({ role: 'viewer', namespaces: '' });
  const making = useMutation({
    mutationFn: () =>
      call<User>('/users', { method: 'POST', body: { name, password, grants: [grantOf(grant)] } }),
    onSuccess: () => {
      setName('');
      setPassword('');
      onMade();
    },
  });
  return (
    <Section title={text.make}>
      <form
        className="form"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        <TextField
          label={strings.login.user}
          hint={text.nameHint}
          required
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label={text.firstPassword}
          hint={text.firstPasswordHint}
          type="password"
          required
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <GrantFields grant={grant} onChange={setGrant} />
        {making.error && <Failure error={making.error} />}
        {making.data && <p role="status">{text.made(making.data.name)}</p>}
        <div>
          <Button type="submit" kind="primary" isBusy={making.isPending}>
            {text.make}
          </Button>
        </div>
      </form>
    </Section>
  );
}
