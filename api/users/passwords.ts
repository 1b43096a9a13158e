import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { permanent } from '../../core/errors.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { RetryLater } from '../http/retry-later.ts';

/** OWASP's minimum for scrypt with 32 MiB: N 2^15, r 8, p 3. */
const cost = { N: 32_768, r: 8, p: 3 } as const;
const maxMemory = 64 << 20;
const hashBytes = 32;
/** Each takes 32 MiB and a thread of Node's pool, which files and names need as well. */
const concurrent = 2;
const maxWaiting = 100;

/** Words that everybody would try here first: what is left of a password without them must be long enough by itself. */
const contextWords = ['idra', 'admin', 'password', 'passwort', 'kubernetes', 'sync'];
const leastBesideContext = 8;

export const minPasswordLength = 12;
export const maxPasswordLength = 256;

const turns = new Semaphore(concurrent);
let waiting = 0;

/** `scrypt$N$r$p$SALT$HASH`, in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

const noSalt = Buffer.alloc(16);

/** Takes the same time whether or not there is a password to compare with. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = stored?.split('$') ?? [];
  const used = stored === undefined ? cost : { N: Number(n), r: Number(r), p: Number(p) };
  const derived = await derive(
    password,
    stored === undefined ? noSalt : Buffer.from(salt, 'base64url'),
    used,
  );
  const wanted = stored === undefined ? Buffer.alloc(hashBytes) : Buffer.from(hash, 'base64url');
  return timingSafeEqual(derived, wanted) && stored !== undefined;
}

async function derive(
  password: string,
  salt: Buffer,
  { N, r, p }: { readonly N: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  if (waiting >= maxWaiting) {
    throw new RetryLater('LoginThrottled', 'too many logins at this moment', 5);
  }
  waiting += 1;
  try {
    return await turns.use(
      undefined,
      () =>
        new Promise((resolve, reject) => {
          const options = { N, r, p, maxmem: maxMemory };
          scrypt(password.normalize('NFKC'), salt, hashBytes, options, (error, key) =>
            error ? reject(error) : resolve(key),
          );
        }),
    );
  } finally {
    waiting -= 1;
  }
}

/** Throws PasswordRefused (permanent). Rules of ASVS 5.0 6.2: length and a list of common ones, nothing about kinds of characters. */
export async function requireGoodPassword(password: string, user: string): Promise<void> {
  const refused = (message: string) =>
    permanent('PasswordRefused', message, {
      path: 'password',
      fix: `use at least ${minPasswordLength} characters, such as four words that do not belong together`,
    });
  if ([...password].length < minPasswordLength)
    throw refused(`the password has less than ${minPasswordLength} characters`);
  if (password.length > maxPasswordLength)
    throw refused(`the password has more than ${maxPasswordLength} characters`);
  const folded = password.normalize('NFKC').toLowerCase();
  if (new Set(folded).size < 5) throw refused('the password repeats a few characters');
  const rest = [...contextWords, user.toLowerCase()].reduce(
    (text, word) => text.replaceAll(word, ''),
    folded,
  );
  if ([...rest].length < leastBesideContext)
    throw refused('the password is little more than words of this place');
  if (await isCommon(folded)) throw refused('the password is a common one');
}

let common: Promise<ReadonlySet<string>> | undefined;

/** Also a common password with digits or signs around it, and one that is repeated. */
async function isCommon(folded: string): Promise<boolean> {
  common ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common'] as readonly string[]),
  );
  const list = await common;
  const core = folded.replace(/^[^a-z]+|[^a-z]+$/g, '');
  const [, unit = ''] = /^(.{3,}?)\1+.{0,3}$/.exec(folded) ?? [];
  return list.has(folded) || (core.length >= 3 && list.has(core)) || list.has(unit);
}
