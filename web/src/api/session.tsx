import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { basePath } from '../base-path.ts';
import { asApiError, call, setCsrf, whenSignedOut } from './client.ts';
import { live } from './live.ts';
import type { Session } from './types.ts';

type Role = Session['grants'][number]['role'];
const ranks: Readonly<Record<Role, number>> = { viewer: 0, editor: 1, admin: 2 };

/** A session that has begun in one tab is that of the others too. */
const otherTabs = new BroadcastChannel(`idra.session${basePath}`);

export type SessionState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'out' }
  | { readonly kind: 'failed'; readonly message: string }
  /** `isOver`: it has ended while a page was open, which keeps what was typed there. */
  | { readonly kind: 'in'; readonly session: Session; readonly isOver: boolean };

interface SessionValue {
  readonly state: SessionState;
  begin(session: Session): void;
  end(): void;
  reload(): void;
}

const SessionContext = createContext<SessionValue | undefined>(undefined);

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ kind: 'loading' });
  const value = useMemo<SessionValue>(() => {
    const begin = (session: Session) => {
      setCsrf(session.csrf);
      otherTabs.postMessage('begun');
      setState({ kind: 'in', session, isOver: false });
      live.retry();
    };
    const reload = () => {
      call<Session>('/session').then(begin, (thrown: unknown) => {
        const error = asApiError(thrown);
        setState(error.status === 401 ? { kind: 'out' } : { kind: 'failed', message: error.message });
      });
    };
    return { state, begin, reload, end: () => setState({ kind: 'out' }) };
  }, [state]);
  const { reload, begin } = value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, at the start
  useEffect(() => {
    whenSignedOut(() => setState((old) => (old.kind === 'in' ? { ...old, isOver: true } : { kind: 'out' })));
    reload();
  }, []);
  const isOver = state.kind === 'in' && state.isOver;
  useEffect(() => {
    if (!isOver) return;
    const resume = () => void call<Session>('/session').then(begin, () => {});
    otherTabs.addEventListener('message', resume);
    return () => otherTabs.removeEventListener('message', resume);
  }, [isOver, begin]);
  return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
}

export function useSessionState(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error('no SessionProvider');
  return value;
}

/** Of the user who is signed in. */
export function useSession(): Session {
  const { state } = useSessionState();
  if (state.kind !== 'in') throw new Error('nobody is signed in');
  return state.session;
}

/** Whether the role is granted in this namespace; `*`: for all; undefined: in any. */
export function isGranted({ grants }: Session, role: Role, namespace?: string): boolean {
  return grants.some(
    (grant) =>
      ranks[grant.role] >= ranks[role] &&
      (namespace === undefined || grant.namespaces.includes('*') || grant.namespaces.includes(namespace)),
  );
}
