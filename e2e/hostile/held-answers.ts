import { eof, packet, resultSet, rogueMysql } from './rogue-mysql.ts';
import { int32, message, roguePostgres } from './rogue-postgres.ts';
import type { RogueServer } from './rogue-server.ts';

/** What the driver's objects for a row of one field count for, in addition to its bytes. */
const overhead = 256 + 40;
const fullPacketBytes = 0xff_ff_ff;

const postgresRow = message('D', Buffer.concat([Buffer.from([0, 1]), int32(1), Buffer.from('x')]));
const postgresColumn = message('T', Buffer.concat([Buffer.from('\0\x01c\0'), Buffer.alloc(18)]));
const mysqlRow = packet(0, Buffer.from([1, 0x78]));
const mysqlColumn = resultSet([0xfd], []).subarray(0, -4 - eof.length);
/** Packets of the column, numbered from 1. */
const mysqlHeadPackets = 3;

/**
 * Answers that never end, by the bytes that they count for. Rows of one byte are a few megabytes on the wire, of which a driver makes
 * objects. Of a message or a streamed row, only the beginning is sent.
 */
export const heldAnswers = {
  postgresRows: (bytes: number): Buffer => {
    const rows = Buffer.alloc(countOf(postgresRow, bytes) * postgresRow.length, postgresRow);
    return Buffer.concat([postgresColumn, rows]);
  },
  /** One complete row of a text that takes two bytes of memory for one. */
  postgresText: (bytes: number): Buffer => {
    const text = wideText(bytes);
    return Buffer.concat([
      postgresColumn,
      Buffer.from('D'),
      int32(4 + 2 + 4 + text.length),
      Buffer.from([0, 1]),
      int32(text.length),
      text,
    ]);
  },
  postgresMessage: (bytes: number): Buffer =>
    Buffer.concat([Buffer.from('D'), int32(bytes), Buffer.alloc(bytes - 100)]),
  postgresCopyRow: (bytes: number): Buffer =>
    Buffer.concat([
      message('H', Buffer.from([1, 0, 1, 0, 1])),
      message('d', Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])),
      Buffer.from('d'),
      int32(bytes),
      Buffer.alloc(bytes - 100),
    ]),
  mysqlRows: (bytes: number): Buffer => {
    const rows = Buffer.alloc(countOf(mysqlRow, bytes) * mysqlRow.length, mysqlRow);
    for (let at = 0; at * mysqlRow.length < rows.length; at++)
      rows[at * mysqlRow.length + 3] = (at + 1 + mysqlHeadPackets) % 256;
    return Buffer.concat([mysqlColumn, rows]);
  },
  mysqlText: (bytes: number): Buffer => {
    const text = wideText(bytes);
    const length = Buffer.alloc(9, 0xfe);
    length.writeBigUInt64LE(BigInt(text.length), 1);
    return Buffer.concat([mysqlColumn, inPackets(Buffer.concat([length, text]), 1 + mysqlHeadPackets)]);
  },
  mysqlMessage: (bytes: number): Buffer => fullPackets(bytes, 1),
  mysqlStreamedRow: (bytes: number): Buffer =>
    Buffer.concat([mysqlColumn, fullPackets(bytes, 1 + mysqlHeadPackets)]),
};

export type HeldAnswer = keyof typeof heldAnswers;

function countOf(row: Buffer, bytes: number): number {
  return Math.floor(bytes / (row.length + overhead));
}

function wideText(bytes: number): Buffer {
  const text = Buffer.alloc(bytes, 'x');
  text.write('\u2603');
  return text;
}

function inPackets(payload: Buffer, firstNumber: number): Buffer {
  const count = Math.floor(payload.length / fullPacketBytes) + 1;
  const part = (at: number) => payload.subarray(at * fullPacketBytes, (at + 1) * fullPacketBytes);
  return Buffer.concat(Array.from({ length: count }, (_, at) => packet(firstNumber + at, part(at))));
}

/** Each is continued by the next one. */
function fullPackets(bytes: number, firstNumber: number): Buffer {
  const payload = Buffer.alloc(fullPacketBytes, 0xfb);
  const count = Math.floor(bytes / fullPacketBytes);
  return Buffer.concat(Array.from({ length: count }, (_, at) => packet(firstNumber + at, payload)));
}

/** A server whose answer never ends. `asked` is called whenever it is sent. */
export async function holdingServer(
  held: HeldAnswer,
  answer: Buffer,
  asked: () => void = () => {},
): Promise<RogueServer> {
  const isAsked = (sql: string) =>
    held === 'postgresCopyRow' ? sql.includes('; COPY') : held !== 'mysqlStreamedRow' || sql === 'SELECT 1';
  const statement = (sql: string) => {
    if (!isAsked(sql)) return 'proper';
    asked();
    return answer;
  };
  const attack = { statement, mostBytes: 2 * answer.length };
  return await (held.startsWith('postgres') ? roguePostgres(attack) : rogueMysql(attack));
}
