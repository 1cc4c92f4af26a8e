import { type Control } from './control.js';
import type { Host } from './host.js';
/** Who is in a watched room, and who came and went. */
export interface Presence {
    room: string;
    /** Everyone, sorted. */
    users: string[];
    joined: string[];
    left: string[];
}
/** Watches keeps watching rooms, over all connections. */
export declare class Watches {
    #private;
    constructor(host: Host);
    watch(room: string): Promise<string[]>;
    unwatch(room: string): void;
    /** There is a connection: watch everything in it, too. */
    opened(): void;
    joined(room: string): void;
    left(room: string): void;
    lost(): void;
    /** The client is closed, or the server does not know presence. */
    end(err: Error): void;
    onChange({ type, room, user }: Control): void;
}
