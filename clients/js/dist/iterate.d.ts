import type { Emitter, Events } from './events.js';
import type { Message } from './recovery.js';
/** iterate keeps the messages from now on, at most limit of them, for a loop that takes them. It ends with the client. */
export declare function iterate(client: Emitter<Events>, limit: number): AsyncIterableIterator<Message>;
