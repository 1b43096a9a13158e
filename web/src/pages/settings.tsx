import { Tabs } from 'radix-ui';
import { isGranted, useSession } from '../api/session.tsx';
import { Page } from '../parts/page.tsx';
import { useSearch } from '../router.tsx';
import { About } from '../settings/about.tsx';
import { Account } from '../settings/account.tsx';
import { Tokens } from '../settings/tokens.tsx';
import { Users } from '../settings/users.tsx';
import { strings } from '../strings.ts';

const tabs = [
  ['account', Account],
  ['tokens', Tokens],
  ['users', Users],
  ['about', About],
] as const;

export function SettingsPage() {
  const session = useSession();
  const [search, setSearch] = useSearch();
  const isAdmin = isGranted(session, 'admin', '*');
  const shown = tabs.filter(([id]) => id !== 'users' || isAdmin);
  return (
    <Page title={strings.places.settings}>
      <Tabs.Root
        value={search.get('tab') ?? 'account'}
        onValueChange={(tab) => setSearch({ tab: tab === 'account' ? undefined : tab })}
      >
        <Tabs.List className="tabs" aria-label={strings.places.settings}>
          {shown.map(([id]) => (
            <Tabs.Trigger key={id} value={id} className="tab">
              {strings.settings.tabs[id]}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {shown.map(([id, Tab]) => (
          <Tabs.Content key={id} value={id} className="tab-content" tabIndex={-1}>
            <Tab />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Page>
  );
}
