import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { IdraError } from '../../../core/errors.ts';
import { Answer, type AnswerOwner } from '../../sql/connection/answer.ts';
import { guardSocket } from '../../sql/connection/guarded-socket.ts';
import { MessageGate, maxMessageBytes, maxSmallMessageBytes } from './message-limits.ts';

/** The driver's class of a connection, as far as it is used here. */
interface DriverConnection {
  readonly established: boolean;
  readonly id: number | string;
  on(event: 'close', listener: () => void): unknown;
}
type ConnectionClass = new (socket: Socket, options: object) => DriverConnection;

const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as {
  readonly Connection: ConnectionClass;
};

/** Of the connections that ask whether a server is alive. */
const monitorId = '<monitor>';

export interface Guard extends AnswerOwner {
  /** Why a connection was ended: the driver reports only that it was lost. */
  readonly onRefused: (error: IdraError) => void;
}

/** The class of all connections of a client, including those that ask whether its servers are alive: what they receive is inspected. */
export function guardedConnection({ where, dataSource, onRefused }: Guard): ConnectionClass {
  return class GuardedConnection extends Connection {
    constructor(socket: Socket, options: object) {
      let isOpen = () => false;
      const answer = new Answer(socket, { where, dataSource });
      const limit = () => {
        if (!isOpen()) return maxSmallMessageBytes;
        answer.loggedIn();
        return maxMessageBytes;
      };
      guardSocket(socket, { where, inspect: new MessageGate(answer, limit).inspect });
      socket.on('error', (error) => {
        if ('disposition' in error) onRefused(error as IdraError);
      });
      super(socket, options);
      isOpen = () => this.established && this.id !== monitorId;
    }
  };
}
