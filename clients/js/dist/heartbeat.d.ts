import type { Settings } from './options.js';
/** Heartbeat finds connections that are dead and do not know it. */
export declare class Heartbeat {
    #private;
    constructor(o: Settings, ping: () => void, dead: () => void);
    start(): void;
    /** Something came: the connection lives. */
    heard(): void;
    /** Pings now. An answer, or anything else, has to come in time. */
    probe(): void;
    stop(): void;
}
