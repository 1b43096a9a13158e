import type { Socket } from 'node:net';
import { type IdraError, transient } from '../../../core/errors.ts';

/** How far the server let the connection get, for the message if it does not open in time. */
export class OpeningProgress {
  #socket: Socket | undefined;
  #isConnected = false;
  #isLoggedIn = false;

  /** Call before the socket connects. */
  watch(socket: Socket): void {
    this.#socket = socket;
    socket.once('connect', () => {
      this.#isConnected = true;
    });
  }

  noteLogin(): void {
    this.#isLoggedIn = true;
  }

  /** `where`: the server with its DataSource. The error is transient, because the server may only be slow. */
  noAnswer(where: string, path: string, afterMs: number): IdraError {
    const code = this.#isConnected ? 'ServerSilent' : 'HostUnreachable';
    return transient(code, `${where}: ${this.#whatItDid()} within ${afterMs / 1_000} s`, {
      path,
      fix: 'check that the server is not overloaded or stopped; parameters.connect_timeout raises the limit',
    });
  }

  #whatItDid(): string {
    if (this.#isLoggedIn) return 'the server accepted the login but did not answer the statements after it';
    if (!this.#isConnected) return 'the server has not answered';
    return this.#socket?.bytesRead === 0
      ? 'the server accepted the connection but sent nothing'
      : 'the server accepted the connection but did not complete the login';
  }
}
