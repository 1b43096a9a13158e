import { type ReactNode, useState } from 'react';
import { useSession } from '../api/session.tsx';
import { Link, usePath } from '../router.tsx';
import { strings } from '../strings.ts';
import { LiveBanner, LiveMark } from './live-mark.tsx';
import { Palette } from './palette.tsx';
import { useShortcuts } from './shortcuts.ts';
import { UserMenu } from './user-menu.tsx';

const places = [
  ['/', 'overview', 'M2 2h5v5H2zM9 2h5v3H9zM9 7h5v7H9zM2 9h5v5H2z'],
  ['/syncs', 'syncs', 'M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3'],
  [
    '/data-sources',
    'dataSources',
    'M8 2c3 0 5 .8 5 2s-2 2-5 2-5-.8-5-2 2-2 5-2M3 4v8c0 1.2 2 2 5 2s5-.8 5-2V4M3 8c0 1.2 2 2 5 2s5-.8 5-2',
  ],
  ['/agents', 'agents', 'M3 4h10v5H3zM5 12h6M8 9v3'],
  ['/activity', 'activity', 'M1 8h3l2-5 4 10 2-5h3'],
  ['/settings', 'settings', 'M2 4h7M12 4h2M2 12h2M7 12h7M9 2.5v3M4.5 10.5v3'],
] as const;

export function Frame({ children }: { readonly children: ReactNode }) {
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  useShortcuts(() => setPaletteOpen(true));
  return (
    <div className="frame">
      <a href="#main" className="skip">
        {strings.frame.skip}
      </a>
      <Rail />
      <header className="top">
        <button type="button" className="search-button" onClick={() => setPaletteOpen(true)}>
          <span>{strings.frame.search}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <LiveMark />
        <UserMenu />
      </header>
      <div className="content">
        <LiveBanner />
        {children}
      </div>
      <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} />
    </div>
  );
}

function Rail() {
  const path = usePath();
  const { mode } = useSession();
  return (
    <nav className="rail" aria-label={strings.frame.main}>
      <Link to="/" className="brand" aria-label={strings.product}>
        <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
          <rect width="16" height="16" rx="3" />
          <path d="M4 5.5h6.5M4 8h8M4 10.5h6.5" />
        </svg>
        <span>{strings.product}</span>
      </Link>
      {places
        .filter(([to]) => mode !== 'single' || to !== '/agents')
        .map(([to, name, icon]) => (
          <Link key={to} to={to} aria-current={isCurrent(to, path) ? 'page' : undefined}>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" className="glyph">
              <path d={icon} />
            </svg>
            <span>{strings.places[name]}</span>
          </Link>
        ))}
    </nav>
  );
}

function isCurrent(to: string, path: string): boolean {
  return to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
}
