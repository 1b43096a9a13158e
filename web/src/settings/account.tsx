import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useSession, useSessionState } from '../api/session.tsx';
import type { OwnSession } from '../api/types.ts';
import { PasswordForm } from '../pages/password.tsx';
import { ConfirmButton } from '../parts/confirm.tsx';
import { Choice, Facts } from '../parts/field.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';
import { setTheme, type Theme, themes, useTheme } from '../theme.ts';
import { GrantText } from './grants.tsx';

const text = strings.settings;

export function Account() {
  const { user, grants } = useSession();
  const theme = useTheme();
  const [isSet, setSet] = useState(false);
  return (
    <>
      <Section title={text.you}>
        <Facts
          facts={[
            [strings.login.user, user],
            [text.rights, <GrantText key="grants" grants={grants} />],
          ]}
        />
      </Section>
      <Section title={strings.frame.theme}>
        <Choice
          label={strings.frame.theme}
          value={theme}
          options={themes.map((each) => [each, strings.themes[each]] as const)}
          onChange={(value) => setTheme(value as Theme)}
        />
      </Section>
      <Section title={text.sessions}>
        <Sessions />
      </Section>
      <Section title={strings.password.title}>
        <p className="soft">{text.passwordText}</p>
        {isSet ? <p role="status">{text.passwordSet}</p> : <PasswordForm onDone={() => setSet(true)} />}
      </Section>
    </>
  );
}

function Sessions() {
  const { end } = useSessionState();
  const { data, error } = useQuery({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => call<{ items: OwnSession[] }>('/session/all', { signal }),
    staleTime: 0,
  });
  if (error) return <Failure error={error} />;
  if (!data) return <Skeleton lines={2} />;
  return (
    <>
      <Table
        caption={text.sessions}
        rows={data.items}
        keyOf={({ id }) => id}
        columns={[
          {
            id: 'browser',
            title: text.browser,
            cell: ({ userAgent, isThis }) => (
              <>
                <span className="clip" title={userAgent}>
                  {userAgent}
                </span>
                {isThis && <span className="tag">{text.thisOne}</span>}
              </>
            ),
          },
          { id: 'ip', title: text.ip, cell: ({ ip }) => <code>{ip}</code> },
          { id: 'began', title: text.began, cell: ({ createdAt }) => <Time at={createdAt} /> },
          { id: 'seen', title: text.seen, cell: ({ seenAt }) => <Time at={seenAt} /> },
        ]}
      />
      <ConfirmButton
        label={text.signOutAll}
        title={text.signOutAll}
        question={text.signOutAllText}
        kind="plain"
        work={() => call('/session/all', { method: 'DELETE' })}
        onDone={end}
      />
    </>
  );
}
