import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError, apiRoot, asApiError, call } from '../api/client.ts';
import { useSessionState } from '../api/session.tsx';
import type { LoginMethods, Session } from '../api/types.ts';
import { basePath } from '../base-path.ts';
import { Button } from '../parts/button.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure } from '../parts/messages.tsx';
import { useSearch } from '../router.tsx';
import { strings } from '../strings.ts';

export function LoginPage() {
  return (
    <main className="alone">
      <div className="alone-brand">
        <svg viewBox="0 0 16 16" width="28" height="28" aria-hidden="true" className="brand-mark">
          <rect width="16" height="16" rx="3" />
          <path d="M4 5.5h6.5M4 8h8M4 10.5h6.5" />
        </svg>
        <h1>{strings.login.title}</h1>
      </div>
      <ProviderError />
      <LoginForm />
    </main>
  );
}

/** Why the provider's answer did not log the user in. */
function ProviderError() {
  const [search] = useSearch();
  const code = search.get('loginError') ?? '';
  if (!/^[A-Za-z]{1,60}$/.test(code)) return null;
  const { refused, failed, notNow } = strings.login.provider;
  const message = code === 'AccessDenied' ? refused : code === 'LoginFailed' ? failed : notNow;
  return <Failure error={new ApiError(0, { code, detail: message })} />;
}

interface LoginFormProps {
  readonly user?: string;
  /** Over a page that must stay as it is: the provider is visited in another tab. */
  readonly isOver?: boolean;
}

export function LoginForm({ user: known = '', isOver = false }: LoginFormProps) {
  const { begin } = useSessionState();
  const [user, setUser] = useState(known);
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const { data: methods } = useQuery({
    queryKey: ['login-methods'],
    queryFn: () => call<LoginMethods>('/login-methods'),
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      begin(await call<Session>('/session', { method: 'POST', body: { user, password } }));
    } catch (thrown) {
      setError(asApiError(thrown));
      setPassword('');
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      {methods?.awaitsFirstLogin && <p className="note">{strings.login.first}</p>}
      {error !== undefined && <Failure error={error} />}
      {methods?.password !== false && (
        <>
          <TextField
            label={strings.login.user}
            name="user"
            autoComplete="username"
            autoCapitalize="none"
            required
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
          <TextField
            label={strings.login.password}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button type="submit" kind="primary" isBusy={isBusy} className="button-wide">
            {strings.login.submit}
          </Button>
        </>
      )}
      {methods?.oidc && (
        <a
          className="button button-plain button-wide"
          href={oidcAddress()}
          target={isOver ? '_blank' : undefined}
          rel="noreferrer"
        >
          {isOver ? strings.login.oidcInTab : strings.login.oidc}
        </a>
      )}
    </form>
  );
}

function oidcAddress(): string {
  const { pathname, search } = window.location;
  const isAfterError = new URLSearchParams(search).has('loginError');
  const to = (isAfterError ? '' : pathname.slice(basePath.length) + search) || '/';
  return `${apiRoot}/session/oidc?returnTo=${encodeURIComponent(to)}`;
}
