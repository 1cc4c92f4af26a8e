import { AzuhostError } from './error.js';
import type { Emitter, Events } from './events.js';
import type { Message } from './recovery.js';

/** iterate keeps the messages from now on, at most limit of them, for a loop that takes them. It ends with the client. */
export function iterate(client: Emitter<Events>, limit: number): AsyncIterableIterator<Message> {
  const items: Message[] = [];
  let ended = false;
  let error: Error | undefined;
  let wake = () => {};
  const end = () => {
    ended = true;
    off.forEach((f) => f());
    wake();
  };
  const off = [
    client.on('message', (m) => {
      if (items.length < limit) {
        items.push(m);
        wake();
      } else {
        error = new AzuhostError('QUEUE_FULL', 'the loop is too far behind');
        end();
      }
    }),
    client.on('state', (state) => state === 'closed' && end()),
  ];
  const loop = (async function* () {
    while (items.length || !ended) {
      if (items.length) {
        yield items.shift()!;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    if (error) {
      throw error;
    }
  })();
  // That of the generator would wait for a message first.
  loop.return = async () => {
    items.length = 0;
    end();
    return { done: true, value: undefined };
  };
  return loop;
}
