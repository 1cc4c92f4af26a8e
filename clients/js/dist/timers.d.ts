/** The longest delay of a timer: a timer with a longer one fires at once. */
export declare const MAX_DELAY: number;
/** Timers holds the timers of a connection. */
export declare class Timers {
    #private;
    /** Calls f after ms milliseconds, unless stopped before. */
    later(ms: number, f: () => void): void;
    stop(): void;
}
