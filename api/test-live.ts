import { until } from '../e2e/kit/wait.ts';
import type { Live } from './contract/index.ts';
import type { TestClient } from './test-api.ts';
import { sessionCookie } from './users/sessions.ts';

export interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: Live;
}

/** A page that is open: collects what it is sent. */
export class TestStream {
  readonly messages: Message[] = [];
  status = 0;
  isOver = false;
  readonly #end = new AbortController();

  static async open(
    client: TestClient,
    topics: readonly string[],
    lastEventId?: string,
  ): Promise<TestStream> {
    const stream = new TestStream();
    const query = topics.map((each) => `topic=${encodeURIComponent(each)}`).join('&');
    const response = await fetch(`${client.url}/api/v1/live?${query}`, {
      headers: {
        ...(client.cookie !== undefined && { cookie: `${sessionCookie}=${client.cookie}` }),
        ...(client.token !== undefined && { authorization: `Bearer ${client.token}` }),
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: stream.#end.signal,
    });
    stream.status = response.status;
    void stream.#read(response).catch(() => {});
    return stream;
  }

  /** Waits for a message that fits, including earlier ones. */
  async message(what: string, fits: (data: Live) => unknown): Promise<Message> {
    return await until(() => this.messages.find(({ data }) => fits(data)), { what });
  }

  close(): void {
    this.#end.abort();
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const parts = text.split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) this.#take(part);
      }
    } finally {
      this.isOver = true;
    }
  }

  #take(part: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
    if (field('data') === '') return;
    this.messages.push({ event: field('event'), id: field('id'), data: JSON.parse(field('data')) as Live });
  }
}
