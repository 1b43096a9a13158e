import { type Answer, type OwnCertificate, type RogueServer, rogueServer, speakTls } from './rogue-server.ts';

/** What is sent instead of the proper answer; `silence` sends nothing more. */
export type Reply = Buffer | 'silence' | 'proper';

export interface PostgresAttack {
  /** Answer to the startup message. */
  readonly login?: Reply;
  /** Answer to the client's response to a password request. */
  readonly password?: (message: Buffer) => Reply;
  /** Answer to a statement, after the login; `answer` sends more of it later. */
  readonly statement?: (sql: string, answer: Answer) => Reply;
  /** If set, the server offers TLS with it. */
  readonly certificate?: OwnCertificate;
  /** Called with everything that a client sends. */
  readonly heard?: (bytes: Buffer) => void;
  readonly mostBytes?: number;
}

const sslRequest = 80_877_103;

/** Implements as much of PostgreSQL's protocol as a session needs to open, and then attacks. */
export async function roguePostgres(attack: PostgresAttack): Promise<RogueServer> {
  const { login = 'proper', statement, password, certificate, heard } = attack;
  return await rogueServer((plain, socket) => {
    let answer = plain;
    let held = Buffer.alloc(0);
    let isStarted = false;
    const receive = (chunk: Buffer): void => {
      heard?.(chunk);
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const head = isStarted ? 1 : 0;
        if (held.length < head + 4) return;
        const length = held.readInt32BE(head);
        if (held.length < head + length) return;
        const message = held.subarray(0, head + length);
        held = held.subarray(head + length);
        if (!isStarted && message.readInt32BE(4) === sslRequest) {
          answer(Buffer.from(certificate ? 'S' : 'N'));
          if (certificate) answer = speakTls(socket, certificate, receive);
        } else if (!isStarted) {
          isStarted = true;
          reply(answer, login, properLogin);
        } else if (message[0] === 0x70) {
          reply(answer, password?.(message) ?? 'proper', properLogin);
        } else if (message[0] === 0x51) {
          const sql = message.toString('utf8', 5, message.length - 1);
          reply(
            answer,
            statement?.(sql, answer) ?? 'proper',
            sql.includes('pg_backend_pid') ? ownPid : properAnswer,
          );
        }
      }
    };
    return receive;
  }, attack.mostBytes);
}

function reply(answer: Answer, given: Reply, proper: Buffer): void {
  if (given !== 'silence') answer(given === 'proper' ? proper : given);
}

export function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function errorMessage(state: string, text: string): Buffer {
  return message('E', `SERROR\0VERROR\0C${state}\0M${text}\0\0`);
}

export const ready = message('Z', 'I');
const properAnswer = Buffer.concat([message('C', 'SET\0'), ready]);
/** One column and row of text: the pid that the login has reported. */
const ownPid = Buffer.concat([
  message('T', Buffer.concat([Buffer.from('\0\x01pid\0'), Buffer.alloc(18)])),
  message('D', Buffer.concat([Buffer.from([0, 1]), int32(1), Buffer.from('7')])),
  properAnswer,
]);
export const authenticationOk = message('R', int32(0));
const properLogin = Buffer.concat([
  authenticationOk,
  message('S', 'server_version\x0015.4\0'),
  message('K', Buffer.concat([int32(7), int32(7)])),
  ready,
]);
