import { connect } from 'node:net';
import type { Units } from './mutate.ts';
import { type RogueServer, rogueServer } from './rogue-server.ts';

/** What a server answers to each message of one client, which `use` connects to the port. */
export async function record(
  host: string,
  port: number,
  use: (port: number) => Promise<void>,
): Promise<Units> {
  const units: Buffer[][] = [[]];
  await listen(host, port, use, () => units);
  return joined(units);
}

/** The same for a client with several connections, in the order in which they were opened. */
export async function recordConnections(
  host: string,
  port: number,
  use: (port: number) => Promise<void>,
): Promise<readonly Units[]> {
  const all: Buffer[][][] = [];
  await listen(host, port, use, () => {
    const units: Buffer[][] = [[]];
    all.push(units);
    return units;
  });
  return all.map(joined);
}

function joined(units: readonly Buffer[][]): Units {
  return units.map((chunks) => Buffer.concat(chunks));
}

async function listen(
  host: string,
  port: number,
  use: (port: number) => Promise<void>,
  unitsOfConnection: () => Buffer[][],
): Promise<void> {
  const server = await rogueServer((answer, socket) => {
    const units = unitsOfConnection();
    const upstream = connect(port, host);
    upstream.on('error', () => socket.destroy());
    upstream.on('data', (chunk) => {
      units.at(-1)?.push(chunk);
      answer(chunk);
    });
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    return (chunk) => {
      units.push([]);
      upstream.write(chunk);
    };
  });
  try {
    await use(server.port);
  } finally {
    await server.stop();
  }
}

/** A client that waits for more is sent the rest after this time, and then the end. */
const idleMs = 15;

/** Answers with the units of `next`, one for each message of a client, whatever the message is. */
export async function replay(next: () => Units): Promise<RogueServer> {
  return await rogueServer((answer, socket) => {
    const units = [...next()];
    const send = () => {
      const unit = units.shift();
      if (unit === undefined) socket.destroy();
      else if (unit.length > 0) answer(unit);
      timer.refresh();
    };
    const timer = setTimeout(send, idleMs);
    socket.on('close', () => clearTimeout(timer));
    send();
    return send;
  });
}
