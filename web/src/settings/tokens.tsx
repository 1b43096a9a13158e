import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { useItems } from '../api/queries.ts';
import type { Token, TokenMade } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { ConfirmButton } from '../parts/confirm.tsx';
import { SelectField, TextField } from '../parts/field.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Copyable, Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';
import { type DraftGrant, GrantFields, GrantText, grantOf } from './grants.tsx';

const text = strings.tokens;

export function Tokens() {
  const { data, error, reload } = useItems<Token>('tokens');
  return (
    <>
      <Section title={text.title}>
        <p className="soft">{text.what}</p>
        {error && <Failure error={error} />}
        {!data && !error && <Skeleton lines={2} />}
        {data?.items.length === 0 && <Empty title={text.none} />}
        {data && data.items.length > 0 && (
          <Table
            caption={text.title}
            rows={data.items}
            keyOf={({ id }) => id}
            columns={[
              { id: 'name', title: text.name, cell: ({ name }) => name },
              {
                id: 'rights',
                title: strings.settings.rights,
                cell: ({ grants }) => <GrantText grants={grants} />,
              },
              { id: 'expires', title: text.expires, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
              { id: 'used', title: text.used, cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
              {
                id: 'delete',
                title: text.actions,
                cell: ({ id, name }) => (
                  <ConfirmButton
                    label={strings.sync.delete}
                    title={strings.sync.deleteTitle(name)}
                    question={text.deleteText}
                    work={() => call(`/tokens/${id}`, { method: 'DELETE' })}
                    onDone={reload}
                  />
                ),
              },
            ]}
          />
        )}
      </Section>
      <NewToken onMade={reload} />
    </>
  );
}

const day = 86_400_000;
const lives = [
  ['7', text.days(7)],
  ['30', text.days(30)],
  ['90', text.days(90)],
  ['365', text.days(365)],
] as const;

function NewToken({ onMade }: { readonly onMade: () => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('30');
  const [grant, setGrant] = useState<DraftGrant>({ role: 'viewer', namespaces: '' });
  const making = useMutation({
    mutationFn: () =>
      call<TokenMade>('/tokens', {
        method: 'POST',
        body: {
          name,
          grants: [grantOf(grant)],
          expiresAt: new Date(Date.now() + Number(days) * day).toISOString(),
        },
      }),
    onSuccess: onMade,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <Section title={text.make}>
      {making.data && (
        <div className="note" role="status">
          <div>
            <p>{text.shownOnce}</p>
            <Copyable text={making.data.secret} label={text.token} />
          </div>
        </div>
      )}
      <form className="form" onSubmit={submit}>
        <TextField
          label={text.name}
          hint={text.nameHint}
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <GrantFields grant={grant} onChange={setGrant} />
        <SelectField label={text.life} value={days} options={lives} onChange={setDays} />
        {making.error && <Failure error={making.error} />}
        <div>
          <Button type="submit" kind="primary" isBusy={making.isPending}>
            {text.make}
          </Button>
        </div>
      </form>
    </Section>
  );
}
