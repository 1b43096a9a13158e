import type { Live } from './types.ts';

export interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: Live | undefined;
}

/** The messages of a stream of server-sent events. `alive` is called for all that arrives, heartbeats too. */
export async function* parseMessages(
  body: ReadableStream<Uint8Array>,
  alive: () => void,
): AsyncGenerator<Message> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  alive();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      text += decoder.decode(value, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) yield messageOf(part);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function messageOf(part: string): Message {
  const fields = new Map<string, string>();
  for (const line of part.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
  }
  const event = fields.get('event') ?? '';
  const data = fields.get('data');
  return {
    event,
    id: fields.get('id') ?? '',
    data: data === undefined || event === 'ended' ? undefined : (JSON.parse(data) as Live),
  };
}
