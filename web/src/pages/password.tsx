import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { useSession, useSessionState } from '../api/session.tsx';
import type { Session } from '../api/types.ts';
import { Button } from '../parts/button.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure } from '../parts/messages.tsx';
import { strings } from '../strings.ts';

/** After a login with a password that somebody else knows: nothing else is possible before a new one is set. */
export function PasswordPage() {
  return (
    <main className="alone">
      <h1>{strings.password.title}</h1>
      <p className="soft">{strings.password.why}</p>
      <PasswordForm />
    </main>
  );
}

export function PasswordForm({ onDone }: { readonly onDone?: () => void }) {
  const { user } = useSession();
  const { begin } = useSessionState();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const differs = repeated !== '' && repeated !== password;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (repeated !== password) return;
    setBusy(true);
    setError(undefined);
    try {
      begin(await call<Session>('/session/password', { method: 'PUT', body: { current, password } }));
      onDone?.();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      {error !== undefined && <Failure error={error} />}
      <input type="text" name="user" value={user} readOnly hidden autoComplete="username" />
      <TextField
        label={strings.password.current}
        type="password"
        autoComplete="current-password"
        required
        value={current}
        onChange={(event) => setCurrent(event.target.value)}
      />
      <TextField
        label={strings.password.next}
        hint={strings.password.rules}
        type="password"
        autoComplete="new-password"
        required
        minLength={12}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <TextField
        label={strings.password.again}
        type="password"
        autoComplete="new-password"
        required
        value={repeated}
        error={differs ? strings.password.differs : undefined}
        onChange={(event) => setRepeated(event.target.value)}
      />
      <Button type="submit" kind="primary" isBusy={isBusy}>
        {strings.password.submit}
      </Button>
    </form>
  );
}
