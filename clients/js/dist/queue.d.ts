import type { Data, Settings } from './options.js';
export declare const sizeOf: (data: Data) => number;
/** Queue holds messages until there is a connection. */
export declare class Queue {
    #private;
    constructor(max: Settings['queue'], dropped: (data: Data) => void);
    /** Queues a message. Returns false if the message was dropped. */
    push(data: Data): boolean;
    /** Drops a message for which there is no space, or throws. */
    refuse(data: Data): false;
    shift(): Data | undefined;
    /** Drops all messages. */
    drop(): void;
}
