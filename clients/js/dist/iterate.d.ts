import type { Emitter } from './events.js';
import type { Events, Message } from './types.js';
/** iterate returns the messages from now on. It queues at most limit of them, and ends when the client is closed. */
export declare function iterate(client: Emitter<Events>, limit: number): AsyncIterableIterator<Message>;
