import { createRequire } from 'node:module';
import type { SystemAccess } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { requireConfidential } from '../../sql/connection/password-rule.ts';
import { passwordRule, readConfig, type SaslConfig } from '../config.ts';
import { fetchToken } from './oauth-token.ts';

const require = createRequire(import.meta.url);

/** A message of a login as the driver encodes and decodes it. */
interface SaslMessage {
  readonly request: { encode(): Promise<Buffer> };
  readonly response?: { decode(raw: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
}

interface SaslContext {
  readonly host: string;
  readonly port: number;
  readonly logger: unknown;
  saslAuthenticate(message: SaslMessage): Promise<unknown>;
}

type Provider = (options: object) => (context: SaslContext) => { authenticate(): Promise<void> };

const providers: Readonly<Record<SaslConfig['mechanism'], () => Provider>> = {
  PLAIN: () => require('kafkajs/src/broker/saslAuthenticator/plain') as Provider,
  'SCRAM-SHA-256': () => require('kafkajs/src/broker/saslAuthenticator/scram256') as Provider,
  'SCRAM-SHA-512': () => require('kafkajs/src/broker/saslAuthenticator/scram512') as Provider,
  OAUTHBEARER: () => require('kafkajs/src/broker/saslAuthenticator/oauthBearer') as Provider,
};

/** Ten times what is usual; each costs a thread of the process some microseconds. */
const maxIterations = 200_000;

export interface DriverSasl {
  readonly mechanism: string;
  readonly authenticationProvider: (context: SaslContext) => { authenticate(): Promise<void> };
}

/**
 * How the driver logs in. Throws CleartextPasswordRefused before a password or token itself would be sent where others can read it; with
 * SCRAM only a proof of it is sent, and the broker has to prove that it knows it.
 */
export function saslOptions(
  access: SystemAccess,
  channel: { readonly host: string; readonly isTls: boolean; readonly where: string },
  signal: AbortSignal,
): DriverSasl | undefined {
  const { sasl } = readConfig(access);
  if (!sasl) return undefined;
  const { mechanism } = sasl;
  if (mechanism === 'PLAIN' || mechanism === 'OAUTHBEARER')
    requireConfidential(
      passwordRule(access, channel.host, channel.isTls, channel.where),
      `SASL ${mechanism}`,
    );
  const options = {
    mechanism,
    username: sasl.user ?? '',
    password: access.secret('sasl.password')?.reveal() ?? '',
    oauthBearerProvider: async () => ({ value: await fetchToken(access, sasl, signal) }),
  };
  const provider = providers[mechanism]()(options);
  return { mechanism, authenticationProvider: (context) => guarded(provider, context) };
}

/** The driver reports every failure of a login as a wrong password: also a lost connection, which a retry may cure. */
function guarded(provider: ReturnType<Provider>, context: SaslContext): { authenticate(): Promise<void> } {
  return {
    async authenticate() {
      let failure: unknown;
      const saslAuthenticate = async ({ request, response = acceptance }: SaslMessage) => {
        try {
          const answer = await context.saslAuthenticate({ request, response });
          requireFewIterations(answer);
          return answer;
        } catch (thrown) {
          failure = thrown;
          throw thrown;
        }
      };
      try {
        await provider({ ...context, saslAuthenticate }).authenticate();
      } catch (thrown) {
        throw failure ?? thrown;
      }
    },
  };
}

/** A broker that refuses a token says so in a message, and the driver would not read it. */
const acceptance: NonNullable<SaslMessage['response']> = {
  decode: async (raw) => raw,
  async parse(data) {
    const text = Buffer.isBuffer(data) ? data.subarray(4).toString('utf8') : '';
    if (text === '') return true;
    throw permanent('AuthenticationFailed', 'the broker refuses the token', {
      path: 'spec.kafka.sasl.oauth',
      fix: 'check client id, secret and scopes, and that the broker trusts the issuer',
    });
  },
};

function requireFewIterations(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('i' in answer)) return;
  if (!(Number(answer.i) <= maxIterations))
    throw permanent('ProtocolBroken', `the broker asks for ${String(answer.i)} iterations of SCRAM`, {
      path: 'spec.kafka.brokers',
      fix: `Idra computes at most ${maxIterations}`,
    });
}
