import { DropdownMenu } from 'radix-ui';
import { call } from '../api/client.ts';
import { live } from '../api/live.ts';
import { useSession, useSessionState } from '../api/session.tsx';
import { navigate } from '../router.tsx';
import { strings } from '../strings.ts';
import { setTheme, themes, useTheme } from '../theme.ts';

export function UserMenu() {
  const session = useSession();
  const { end } = useSessionState();
  const theme = useTheme();
  const signOut = async () => {
    live.close();
    await call('/session', { method: 'DELETE' }).catch(() => {});
    end();
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button button-quiet" aria-label={strings.frame.user(session.user)}>
        {session.user}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Label className="menu-label">{strings.frame.theme}</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={theme}>
            {themes.map((each) => (
              <DropdownMenu.RadioItem
                key={each}
                value={each}
                className="menu-item"
                onSelect={() => setTheme(each)}
              >
                {strings.themes[each]}
                <DropdownMenu.ItemIndicator className="menu-mark">✓</DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" onSelect={() => navigate('/settings')}>
            {strings.frame.account}
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => void signOut()}>
            {strings.frame.signOut}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
