/** The longest time of a timer: one that is set to more fires at once. */
export declare const LONGEST: number;
/** What is to be done later, unless the connection ends before. */
export declare class Timers {
    #private;
    /** Calls f after that many milliseconds, unless stopped before. */
    later(ms: number, f: () => void): void;
    stop(): void;
}
