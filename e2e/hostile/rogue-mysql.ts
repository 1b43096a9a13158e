import { type OwnCertificate, type RogueServer, rogueServer, speakTls } from './rogue-server.ts';

/** The payload of packets that are sent instead of the proper answer; `silence` sends nothing more. */
export type Reply = Buffer | 'silence' | 'proper';

export interface MysqlAttack {
  /** Sent instead of the greeting, before the client has sent anything. */
  readonly greeting?: Reply;
  /** Answer to the client's credentials. */
  readonly login?: (sequence: number) => Reply;
  /** Answer to each further packet of the login, until it returns none. */
  readonly more?: (sequence: number, payload: Buffer) => Reply | undefined;
  /** Answer to a statement, after the login. */
  readonly statement?: (sql: string) => Reply;
  /** If set, the server offers TLS with it. */
  readonly certificate?: OwnCertificate;
  /** Called with everything that a client sends. */
  readonly heard?: (bytes: Buffer) => void;
  readonly mostBytes?: number;
}

/** LONG_PASSWORD, LONG_FLAG, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, multiple statements and results. */
const capabilities = 0x01 | 0x04 | 0x08 | 0x200 | 0x2000 | 0x8000 | 0x10000 | 0x20000 | 0x80000;

const tlsFlag = 0x800;

export async function rogueMysql(attack: MysqlAttack): Promise<RogueServer> {
  const { certificate } = attack;
  return await rogueServer((plain, socket) => {
    let answer = plain;
    const send = (reply: Reply, proper: Buffer) => {
      if (reply !== 'silence') answer(reply === 'proper' ? proper : reply);
    };
    send(attack.greeting ?? 'proper', packet(0, greeting(certificate !== undefined)));
    let isLoggedIn = false;
    let isSecure = false;
    let isAsking = attack.more !== undefined;
    const receive = (chunk: Buffer): void => {
      attack.heard?.(chunk);
      const sequence = chunk[3] ?? 0;
      if (certificate && !isSecure) {
        isSecure = true;
        answer = speakTls(socket, certificate, receive, chunk.subarray(4 + chunk.readUIntLE(0, 3)));
        return;
      }
      if (!isLoggedIn) {
        isLoggedIn = true;
        send(attack.login?.(sequence + 1) ?? 'proper', packet(sequence + 1, ok));
        return;
      }
      const more = isAsking ? attack.more?.(sequence + 1, chunk.subarray(4)) : undefined;
      if (more !== undefined) {
        send(more, packet(sequence + 1, ok));
        return;
      }
      isAsking = false;
      if (chunk[4] === 0x01) {
        socket.end();
        return;
      }
      const sql = chunk.toString('utf8', 5);
      send(attack.statement?.(sql) ?? 'proper', properAnswer(sql));
    };
    return receive;
  }, attack.mostBytes);
}

export function packet(sequence: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, payload]);
}

export const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
export const eof = Buffer.from([0xfe, 0, 0, 2, 0]);
const moreFlag = 0x08;

/** One result for each statement of the text. */
function properAnswer(sql: string): Buffer {
  const results = sql.split('; ').map(payloadsOf);
  return packets(
    results.flatMap((payloads, at) => {
      const last = payloads.at(-1);
      if (at === results.length - 1 || !last) return payloads;
      const more = Buffer.from(last);
      more[3] = (more[3] ?? 0) | moreFlag;
      return [...payloads.slice(0, -1), more];
    }),
  );
}

function payloadsOf(statement: string): readonly Buffer[] {
  if (/^SELECT VERSION\(\), /.test(statement)) return payloads(Array(facts.length).fill(text), [facts]);
  if (statement.startsWith('SELECT')) return payloads([text], [['8.0.30']]);
  return statement.startsWith('SHOW') ? payloads([text, text], []) : [ok];
}

/** Values for connectors/mysql/connection/server-facts.ts. */
const facts = ['8.0.30', '0', '67108864', '0', 'utf8mb4_0900_bin', '', 'utf8mb4', 'utf8mb4'];

const text = 0xfd;
type Row = readonly string[] | Buffer;

/** A result with these columns (MySQL's type numbers), and rows of texts or of raw payloads. */
export function resultSet(types: readonly number[], rows: readonly Row[]): Buffer {
  return packets(payloads(types, rows));
}

function packets(all: readonly Buffer[]): Buffer {
  return Buffer.concat(all.map((each, at) => packet((at + 1) % 256, each)));
}

function payloads(types: readonly number[], rows: readonly Row[]): readonly Buffer[] {
  return [
    types.length < 251
      ? Buffer.from([types.length])
      : Buffer.from([0xfc, types.length & 255, types.length >> 8]),
    ...types.map(columnOf),
    eof,
    ...rows.map((row) => (Buffer.isBuffer(row) ? row : Buffer.concat(row.map(lengthCoded)))),
    eof,
  ];
}

function columnOf(type: number): Buffer {
  const names = ['def', '', '', '', 'c', ''].map(lengthCoded);
  return Buffer.concat([...names, Buffer.from([0x0c, 45, 0, 255, 0, 0, 0, type, 0, 0, 0, 0, 0])]);
}

function lengthCoded(value: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)]);
}

function greeting(hasTls: boolean): Buffer {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(hasTls ? capabilities | tlsFlag : capabilities);
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.30\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0'),
    flags.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    flags.subarray(2),
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0'),
  ]);
}
