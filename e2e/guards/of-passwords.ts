// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

/** What a server that is not the real one must not be given. */
export const ofPasswords: readonly Guard[] = [
  {
    name: 'the password itself is sent only through required TLS or a socket',
    file: 'connectors/sql/connection/password-rule.ts',
    from: "if (channel === 'encrypted' && (isUsual || tlsMode !== 'Prefer')) return;",
    to: "if (isUsual || tlsMode !== 'VerifyFull') return;",
    caughtBy: { test: 'e2e/hostile-passwords.test.ts', only: 'PostgreSQL: a server that asks' },
  },
  {
    name: 'MySQL: no password is encrypted with a key from an unverified server',
    file: 'connectors/mysql/connection/authentication.ts',
    from: 'requireConfidential(rule, `${name}, as at a first login or for a wrong password`, true)',
    to: 'undefined',
    caughtBy: { test: 'e2e/hostile-passwords.test.ts', only: 'MySQL: caching_sha2_password' },
  },
  {
    name: "PostgreSQL: no variable of the agent's environment replaces a field that a DataSource leaves out",
    file: 'connectors/postgres/connection/open.ts',
    from: 'for (const [name] of hidden) delete process.env[name];',
    to: '',
    caughtBy: { test: 'e2e/hostile-passwords.test.ts', only: 'without a password sends none' },
  },
  {
    name: "PostgreSQL: no password of the agent's home replaces one that a DataSource leaves out",
    file: 'connectors/postgres/connection/open.ts',
    from: 'password: () => password',
    to: 'password',
    caughtBy: { test: 'e2e/hostile-passwords.test.ts', only: 'without a password sends none' },
  },
  {
    name: 'PostgreSQL: a login by SCRAM ends with the proof of the server',
    file: 'connectors/postgres/connection/authentication.ts',
    from: 'if (!next[this.#state]?.includes(asked))',
    to: "if (this.#state === 'loggedIn')",
    caughtBy: { test: 'e2e/hostile-passwords.test.ts', only: 'SCRAM' },
  },
];
