import type { Connection } from './connection.js';
import { type Control } from './control.js';
/** Watches holds the watched rooms. It renews the watches in each connection. */
export declare class Watches {
    #private;
    constructor(connection: Connection);
    watch(room: string): Promise<string[]>;
    unwatch(room: string): void;
    /** Renews all watches in a new connection. */
    opened(): void;
    joined(room: string): void;
    left(room: string): void;
    /** Ends the watches of this connection. */
    reset(): void;
    /** Ends all watches for good. */
    end(err: Error): void;
    onChange({ type, room, user }: Control): void;
}
