import { Emitter, type Events, type State } from './events.js';
import { type Data, type Options } from './options.js';
import { type Message, type Position } from './recovery.js';
/** Client is a WebSocket to a channel that comes back. */
export declare class Client extends Emitter<Events> {
    #private;
    /** Does not connect yet. `http` in the URL means `ws`; in browsers it may be relative. */
    constructor(url: string | URL, options?: Options);
    get state(): State;
    /** Connects; while it waits, at once. Resolves when it is open, rejects when it is closed for good before. */
    connect(): Promise<void>;
    /**
     * Sends a message, or has it wait for the connection: `sent` says that the WebSocket has it, and not that it arrived.
     * Throws `CLOSED`, and `QUEUE_FULL` as the option `queue` says.
     */
    send(data: Data): 'sent' | 'queued' | 'dropped';
    /** Closes the connection, and stays away. What waits to be sent is dropped. Resolves when the WebSocket is closed. */
    close(code?: number, reason?: string): Promise<void>;
    /** Where a room with a history stands: after the last message that was handed on. */
    position(room: string): Position | undefined;
    /** Who is in a room that the connection is a member of? The route needs `share_presence`. */
    presence(room: string): Promise<string[]>;
    /** Has the event `presence` tell of changes in a room, over all connections. Resolves with who is there. */
    watch(room: string): Promise<string[]>;
    unwatch(room: string): void;
    /** The messages from now on, for `for await`, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
    messages(limit?: number): AsyncIterableIterator<Message>;
    [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
}
