import type { Settings } from './options.js';
/** Heartbeat detects dead connections. */
export declare class Heartbeat {
    #private;
    constructor(o: Settings, ping: () => void, dead: () => void);
    start(): void;
    /** Records that something was received. */
    alive(): void;
    /** Pings now. Something has to be received within pingTimeout. */
    probe(): void;
    stop(): void;
}
