import type { Data, Settings } from './options.js';
export declare const sizeOf: (data: Data) => number;
/** Queue keeps what is to be sent until there is a connection. */
export declare class Queue {
    #private;
    constructor(max: Settings['queue'], dropped: (data: Data) => void);
    /** Says whether the message waits, and not another one or none instead. */
    push(data: Data): boolean;
    /** What happens to a message for which there is no room. */
    refuse(data: Data): false;
    shift(): Data | undefined;
    drop(): void;
}
