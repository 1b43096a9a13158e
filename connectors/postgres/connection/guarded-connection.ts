import type { Socket } from 'node:net';
import type { Client, Connection } from 'pg';
import { Answer } from '../../sql/connection/answer.ts';
import { guardSocket } from '../../sql/connection/guarded-socket.ts';
import type { PasswordRule } from '../../sql/connection/password-rule.ts';
import { AuthenticationGate } from './authentication.ts';
import { MessageGate } from './message-limits.ts';

type Parser = (messages: Buffer) => void;

/** Call before `client.connect()`: from the first byte on, data from the server can end only its own connection. */
export function guardConnection(client: Client, rule: PasswordRule, dataSource: string): void {
  const { where } = rule;
  const connection = connectionOf(client);
  guardSocket(socketOf(client), { where });
  connection.once(connection.ssl ? 'sslconnect' : 'connect', () => {
    const socket = socketOf(client);
    if (connection.ssl) guardSocket(socket, { where });
    const [parser] = socket.listeners('data') as Parser[];
    if (!parser) return;
    socket.off('data', parser);
    const answer = new Answer(socket, { where, dataSource });
    socket.on('data', new MessageGate(new AuthenticationGate(rule), answer, parser).push);
  });
}

/** The socket changes when TLS starts. */
export function socketOf(client: Client): Socket {
  return connectionOf(client).stream as Socket;
}

function connectionOf(client: Client): Connection & { readonly ssl: unknown } {
  return (client as Client & { readonly connection: Connection & { readonly ssl: unknown } }).connection;
}
