import { AzuhostError } from './error.js';
import type { Emitter } from './events.js';
import type { Events, Message } from './types.js';

/** iterate returns the messages from now on. It queues at most limit of them, and ends when the client is closed. */
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
  // The generator's own return would wait for the next message.
  loop.return = async () => {
    items.length = 0;
    end();
    return { done: true, value: undefined };
  };
  return loop;
}
