import { permanent } from '../../../core/errors.ts';
import { type PasswordRule, requireConfidential } from '../../sql/connection/password-rule.ts';

/** Numbers of the authentication requests that the driver answers. */
const method = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;
const unknownNames: ReadonlyMap<number, string> = new Map([
  [2, 'Kerberos'],
  [7, 'GSSAPI'],
  [8, 'GSSAPI'],
  [9, 'SSPI'],
]);

/** What the server may send next. */
const next: Readonly<Record<string, readonly number[]>> = {
  start: [method.ok, method.cleartext, method.md5, method.sasl],
  answered: [method.ok],
  [method.sasl]: [method.saslContinue],
  [method.saslContinue]: [method.saslFinal],
  loggedIn: [],
};

/**
 * The driver answers each request for a password, in any order and at any time, and considers the login complete when the server says so.
 * Here one method may be requested once, the password itself is sent only if the rule allows it, and SCRAM must end with the server's own
 * proof.
 */
export class AuthenticationGate {
  readonly #rule: PasswordRule;
  #state = 'start';

  constructor(rule: PasswordRule) {
    this.#rule = rule;
  }

  require(body: Buffer): void {
    const asked = body.length < 4 ? -1 : body.readInt32BE(0);
    if (!Object.values<number>(method).includes(asked)) throw this.#notOffered(asked);
    if (!next[this.#state]?.includes(asked)) throw new Error(this.#outOfTurn(asked));
    if (asked === method.cleartext) requireConfidential(this.#rule, 'AuthenticationCleartextPassword');
    if (asked === method.ok) this.#state = 'loggedIn';
    else if (asked === method.sasl || asked === method.saslContinue) this.#state = String(asked);
    else this.#state = 'answered';
  }

  /** Call for the first message that only a completed login sends. */
  requireLoggedIn(): void {
    if (this.#state !== 'loggedIn') throw new Error('a session before the login is complete');
  }

  #outOfTurn(asked: number): string {
    const isUnproven = this.#state === String(method.sasl) || this.#state === String(method.saslContinue);
    return isUnproven && asked === method.ok
      ? 'a login by SCRAM without the proof that the server knows the password'
      : `a request for authentication (type ${asked}) at an unexpected point`;
  }

  #notOffered(asked: number): Error {
    const name = unknownNames.get(asked) ?? `type ${asked}`;
    return permanent(
      'AuthenticationFailed',
      `${this.#rule.where}: the server asks for authentication by ${name}, which Idra does not support`,
      { fix: 'allow scram-sha-256 or a certificate for this user and address in pg_hba.conf' },
    );
  }
}
