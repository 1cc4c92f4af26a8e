import { Emitter } from './events.js';
import { type Data, type Options } from './options.js';
import type { Events, Message, Position, State } from './types.js';
/** Client is a WebSocket to a channel that reconnects. */
export declare class Client extends Emitter<Events> {
    #private;
    /** Does not connect yet. `http` in the URL means `ws`. In browsers the URL may be relative. */
    constructor(url: string | URL, options?: Options);
    get state(): State;
    /** Connects; during a backoff, at once. Resolves when the connection is open, rejects if the client is closed before. */
    connect(): Promise<void>;
    /**
     * Sends a message, or queues it until the connection is open. `sent` means that the WebSocket has it, not that it
     * arrived. Throws `CLOSED`, and `QUEUE_FULL` if the option `queue` says so.
     */
    send(data: Data): 'sent' | 'queued' | 'dropped';
    /** Closes the connection, and does not reconnect. Queued messages are dropped. Resolves when the WebSocket is closed. */
    close(code?: number, reason?: string): Promise<void>;
    /** Returns the position of the last message of a room with a history. */
    position(room: string): Position | undefined;
    /** Returns the users in a room that the connection is a member of. The route needs `share_presence`. */
    presence(room: string): Promise<string[]>;
    /** Emits `presence` for each change of the users in a room, also after a reconnect. Resolves with the users. */
    watch(room: string): Promise<string[]>;
    unwatch(room: string): void;
    /** Returns the messages from now on, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
    messages(limit?: number): AsyncIterableIterator<Message>;
    [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
}
