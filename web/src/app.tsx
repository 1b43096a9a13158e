import { lazy, type ReactNode, Suspense } from 'react';
import { useSession, useSessionState } from './api/session.tsx';
import { Frame } from './frame/frame.tsx';
import { SessionOver } from './frame/session-over.tsx';
import { LoginPage } from './pages/login.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PasswordPage } from './pages/password.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Button } from './parts/button.tsx';
import { Skeleton } from './parts/messages.tsx';
import { match, usePath } from './router.tsx';
import { strings } from './strings.ts';

const loadSyncs = () => import('./pages/syncs.tsx');
const SyncsPage = lazy(async () => ({ default: (await loadSyncs()).SyncsPage }));
// The list is opened most: it is loaded beside the session, and on other pages before it is asked for.
loadSyncs().catch(() => {});
const SyncPage = lazy(async () => ({ default: (await import('./pages/sync.tsx')).SyncPage }));
const SyncEditor = lazy(async () => ({ default: (await import('./editor/sync-editor.tsx')).SyncEditor }));
const DataSourceEditor = lazy(async () => ({
  default: (await import('./editor/data-source-editor.tsx')).DataSourceEditor,
}));
const DataSourcesPage = lazy(async () => ({
  default: (await import('./pages/data-sources.tsx')).DataSourcesPage,
}));
const DataSourcePage = lazy(async () => ({
  default: (await import('./pages/data-source.tsx')).DataSourcePage,
}));
const AgentsPage = lazy(async () => ({ default: (await import('./pages/agents.tsx')).AgentsPage }));
const ActivityPage = lazy(async () => ({ default: (await import('./pages/activity.tsx')).ActivityPage }));
const SettingsPage = lazy(async () => ({ default: (await import('./pages/settings.tsx')).SettingsPage }));

type Parts = Readonly<Record<string, string>>;
const named = ({ namespace = '', name = '' }: Parts) => ({ namespace, name });
const keyOf = ({ namespace, name }: Parts) => `${namespace}/${name}`;

/** The first that fits the path. */
const routes: readonly (readonly [pattern: string, page: (parts: Parts) => ReactNode])[] = [
  ['/', () => <OverviewPage />],
  ['/syncs', () => <SyncsPage />],
  ['/syncs/new', () => <SyncEditor />],
  ['/syncs/:namespace/:name', (parts) => <SyncPage {...named(parts)} key={keyOf(parts)} />],
  ['/syncs/:namespace/:name/edit', (parts) => <SyncEditor of={named(parts)} key={keyOf(parts)} />],
  ['/data-sources', () => <DataSourcesPage />],
  ['/data-sources/new', () => <DataSourceEditor />],
  ['/data-sources/:namespace/:name', (parts) => <DataSourcePage {...named(parts)} key={keyOf(parts)} />],
  [
    '/data-sources/:namespace/:name/edit',
    (parts) => <DataSourceEditor of={named(parts)} key={keyOf(parts)} />,
  ],
  ['/agents', () => <AgentsPage />],
  ['/activity', () => <ActivityPage />],
  ['/settings', () => <SettingsPage />],
];

export function App() {
  const { state, reload } = useSessionState();
  switch (state.kind) {
    case 'loading':
      return (
        <main className="alone">
          <Skeleton lines={4} />
        </main>
      );
    case 'failed':
      return (
        <main className="alone">
          <h1>{strings.errors.cannotReach}</h1>
          <p className="soft">{state.message}</p>
          <Button kind="primary" onClick={reload}>
            {strings.retry}
          </Button>
        </main>
      );
    case 'out':
      return <LoginPage />;
    case 'in':
      return <SignedIn isOver={state.isOver} />;
  }
}

function SignedIn({ isOver }: { readonly isOver: boolean }) {
  const session = useSession();
  const path = usePath();
  if (session.setsPassword) return <PasswordPage />;
  return (
    <>
      <Frame>
        <Suspense fallback={<PageSkeleton />}>
          <Boundary key={path}>
            <Routed />
          </Boundary>
        </Suspense>
      </Frame>
      {isOver && <SessionOver />}
    </>
  );
}

function Routed() {
  const path = usePath();
  const { mode } = useSession();
  for (const [pattern, page] of routes) {
    const parts = match(pattern, path);
    if (parts && !(pattern === '/agents' && mode === 'single')) return page(parts);
  }
  return <NotFoundPage />;
}

function PageSkeleton() {
  return (
    <main className="page">
      <Skeleton lines={8} />
    </main>
  );
}
