import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { type CrashPoint, installCrashHook } from '../../../core/crash-points.ts';
import type { FaultEnvironment, Order } from './control.ts';

/**
 * Loaded into a process under test by `node --import`: reports the crash points that are reached; dies, stops or waits at those that it
 * is told to; redirects database connections to the test's proxies; and jumps its wall clock.
 */
const given = process.env.IDRA_TEST_FAULTS;
if (given && isMainThread) follow(JSON.parse(given) as FaultEnvironment);

function follow({ controlPort, logFile, ports }: FaultEnvironment): void {
  redirect(new Map(Object.entries(ports).map(([from, to]) => [Number(from), to])));
  const orders: Order[] = [];
  const seen = new Set<CrashPoint>();
  // Synchronous, because it may be the last thing that this process does.
  const note = (line: object) => appendFileSync(logFile, `${JSON.stringify(line)}\n`);
  installCrashHook(async (point) => {
    if (!seen.has(point)) note({ reached: point });
    seen.add(point);
    const index = orders.findIndex((order) => 'at' in order && order.at === point);
    const [order] = index < 0 ? [] : orders.splice(index, 1);
    if (order === undefined || !('at' in order)) return;
    note({ did: order.action, at: point });
    if (order.action === 'delay') await pause(order.ms);
    else process.kill(process.pid, order.action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  });
  const socket = new Socket().connect(controlPort, '127.0.0.1');
  socket.on('error', () => {}); // the test is over
  socket.unref();
  createInterface({ input: socket }).on('line', (line) => {
    const order = JSON.parse(line) as Order;
    if ('clockJumpMs' in order) jumpClock(order.clockJumpMs);
    else orders.push(order);
  });
}

function jumpClock(ms: number): void {
  const now = Date.now.bind(Date);
  Date.now = () => now() + ms;
}

/** Redirects connections from one port of this machine to another. */
function redirect(ports: ReadonlyMap<number, number>): void {
  const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const [first] = args;
    // node:net passes its own calls as [options, callback].
    const options = Array.isArray(first) ? first[0] : first;
    if (typeof first === 'number') args[0] = ports.get(first) ?? first;
    else if (typeof options === 'object' && options !== null && 'port' in options)
      options.port = ports.get(Number(options.port)) ?? options.port;
    return connect.apply(this, args);
  } as typeof Socket.prototype.connect;
}
