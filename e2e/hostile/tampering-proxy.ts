import { connect } from 'node:net';
import { type RogueServer, rogueServer } from './rogue-server.ts';

/** What a field of a row is changed to; undefined to leave it. */
export type Change = (text: string) => string | undefined;

/** Where a message of the server ends (0 if it is incomplete), and the same message with changed fields. */
interface Protocol {
  length(held: Buffer): number;
  changed(message: Buffer, change: Change): Buffer;
}

/** Sits in front of a real server and changes texts of its answers, like a malicious server. Without TLS. */
export async function tamperingProxy(
  server: { readonly host: string; readonly port: number },
  protocol: Protocol,
  change: Change,
): Promise<RogueServer> {
  return await rogueServer((answer, client) => {
    const upstream = connect(server.port, server.host);
    let held = Buffer.alloc(0);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      for (let length = protocol.length(held); length > 0; length = protocol.length(held)) {
        answer(protocol.changed(held.subarray(0, length), change));
        held = held.subarray(length);
      }
    });
    return (chunk) => upstream.write(chunk);
  });
}

export const postgresProtocol: Protocol = {
  length: (held) => wholeLength(held, 5, () => 1 + held.readInt32BE(1)),
  changed(message, change) {
    if (message[0] === 0x64) return copyData(changedText(message.subarray(5), change) ?? message.subarray(5));
    if (message[0] !== 0x44) return message;
    const fields: Buffer[] = [];
    for (let at = 7; at < message.length; ) {
      const length = message.readInt32BE(at);
      const value = length < 0 ? undefined : message.subarray(at + 4, at + 4 + length);
      fields.push(value ? sized(changedText(value, change) ?? value) : message.subarray(at, at + 4));
      at += 4 + Math.max(0, length);
    }
    const body = Buffer.concat([message.subarray(5, 7), ...fields]);
    const head = Buffer.from([0x44, 0, 0, 0, 0]);
    head.writeInt32BE(4 + body.length, 1);
    return Buffer.concat([head, body]);
  },
};

export const mysqlProtocol: Protocol = {
  length: (held) => wholeLength(held, 4, () => 4 + held.readUIntLE(0, 3)),
  changed(message, change) {
    const fields = lengthCodedFields(message.subarray(4));
    const body = fields?.map((each) => (each === null ? null : (changedText(each, change) ?? each)));
    if (!body || body.every((each, index) => each === fields?.[index])) return message;
    const payload = Buffer.concat(body.map(lengthCoded));
    const head = Buffer.alloc(4);
    head.writeUIntLE(payload.length, 0, 3);
    head[3] = message[3] ?? 0;
    return Buffer.concat([head, payload]);
  },
};

function wholeLength(held: Buffer, headBytes: number, length: () => number): number {
  return held.length >= headBytes && held.length >= length() ? length() : 0;
}

function changedText(value: Buffer, change: Change): Buffer | undefined {
  const text = change(value.toString());
  return text === undefined ? undefined : Buffer.from(text);
}

/** A row of COPY: passed to `change` as one text. */
function copyData(line: Buffer): Buffer {
  const head = Buffer.from([0x64, 0, 0, 0, 0]);
  head.writeInt32BE(4 + line.length, 1);
  return Buffer.concat([head, line]);
}

function sized(value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(value.length);
  return Buffer.concat([head, value]);
}

/** The fields of a row of texts; undefined if the packet is something else. */
function lengthCodedFields(payload: Buffer): (Buffer | null)[] | undefined {
  const fields: (Buffer | null)[] = [];
  let at = 0;
  while (at < payload.length) {
    const first = payload[at] ?? 0;
    if (first > 0xfc || (first === 0xfc && at + 3 > payload.length)) return undefined;
    const head = first === 0xfc ? 3 : 1;
    const length = first === 0xfc ? payload.readUInt16LE(at + 1) : first === 0xfb ? 0 : first;
    fields.push(first === 0xfb ? null : payload.subarray(at + head, at + head + length));
    at += head + length;
  }
  return at === payload.length ? fields : undefined;
}

function lengthCoded(value: Buffer | null): Buffer {
  if (value === null) return Buffer.from([0xfb]);
  const { length } = value;
  const head = length < 0xfb ? [length] : [0xfc, length & 0xff, length >> 8];
  return Buffer.concat([Buffer.from(head), value]);
}
