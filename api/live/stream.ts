import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { asIdraError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { LiveHub } from './hub.ts';
import type { Sent, Topic } from './topics.ts';

/** Proxies and browsers notice a dead connection by these. */
const heartbeatMs = 15_000;
/** A client that reads so slowly gets fewer messages: what is new is computed when it has read the last one. */
const maxBufferedBytes = 256 << 10;
const maxBlockedMs = 60_000;

export interface LiveOptions {
  readonly hub: LiveHub;
  readonly user: string;
  readonly log: Log;
  readonly topics: readonly Topic[];
  /** The namespaces that the client may see: what an earlier stream with other rights was sent is not what this one shows. */
  readonly scope: string;
  readonly lastEventId: string | undefined;
  /** Whether the client may still see all this; asked now and then. */
  readonly isAllowed: () => Promise<boolean>;
}

/** Server-sent events of some topics to one client. Each message has an id; with the last one a client resumes. */
export class LiveStream {
  readonly #options: LiveOptions;
  readonly #sent: Sent[];
  /** Of topics and rights: an id of another stream says nothing about this one. */
  readonly #subject: string;
  #response: ServerResponse | undefined;
  #isBlocked = false;
  #leave: () => void = () => {};

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#sent = options.topics.map(() => ({ generation: 0, text: '', order: [], event: 0 }));
    const subject = JSON.stringify([options.scope, ...options.topics.map(({ name }) => name)]);
    this.#subject = createHash('sha256').update(subject).digest('base64url').slice(0, 12);
  }

  /** Before anything is sent. Throws NotReady (transient) if there are too many streams. */
  join(): void {
    const { hub, user } = this.#options;
    this.#leave = hub.add({ user, flush: () => this.flush() });
  }

  start(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    this.#response = response;
    // The client has left while it was authenticated: nothing else will end this stream.
    if (response.destroyed || response.socket?.destroyed !== false) {
      this.#leave();
      return;
    }
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    response.socket?.setNoDelay(true);
    const heartbeat = setInterval(() => void this.#beat(), heartbeatMs);
    response.once('close', () => {
      clearInterval(heartbeat);
      this.#leave();
    });
    response.on('error', () => {});
    const isSame = this.#resumes();
    response.write(`retry: 2000\n\n`);
    this.flush(isSame);
  }

  /** `isSilent`: the client has all this already. Never throws: it is called by a timer, for all streams. */
  flush(isSilent = false): void {
    const response = this.#response;
    if (!response || response.destroyed || this.#isBlocked) return;
    try {
      this.#send(response, isSilent);
    } catch (thrown) {
      this.#options.log.error('a live stream was ended by an error', { error: asIdraError(thrown) });
      response.destroy();
    }
  }

  #send(response: ServerResponse, isSilent: boolean): void {
    const { topics } = this.#options;
    const messages = topics.flatMap((topic, index) => {
      const data = topic.next(this.#sent[index] as Sent);
      return data ? [`event: ${topic.name.split(/[?/]/)[0]}\ndata: ${JSON.stringify(data)}\n`] : [];
    });
    if (isSilent || messages.length === 0) return;
    this.#write(response, messages.map((each) => `${each}id: ${this.#id()}\n\n`).join(''));
  }

  #write(response: ServerResponse, text: string): void {
    response.write(text);
    if (response.writableLength < maxBufferedBytes) return;
    this.#isBlocked = true;
    const giveUp = setTimeout(() => response.destroy(), maxBlockedMs);
    response.once('drain', () => {
      clearTimeout(giveUp);
      this.#isBlocked = false;
      this.flush();
    });
    response.once('close', () => clearTimeout(giveUp));
  }

  /** Nothing has changed since the last message that the client got. */
  #resumes(): boolean {
    return this.#options.lastEventId === this.#id();
  }

  #id(): string {
    const { instance, generation } = this.#options.hub;
    return `${instance}.${generation}.${this.#subject}`;
  }

  async #beat(): Promise<void> {
    const response = this.#response;
    if (!response || response.destroyed) return;
    const isAllowed = await this.#options.isAllowed().catch(() => true);
    if (response.destroyed) return;
    if (isAllowed) this.#write(response, ': alive\n\n');
    else response.end('event: ended\ndata: {"reason":"NotSignedIn"}\n\n');
  }
}
