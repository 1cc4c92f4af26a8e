import { type Control } from './control.js';
import type { Timers } from './timers.js';
export type Answer = (control: Control) => void;
/** Requests holds the requests of a connection that the host has not answered. */
export declare class Requests {
    #private;
    constructor(timers: Timers);
    /** Returns the message to send. answer is called once, with the answer of the host or an error. */
    add(type: string, members: object, answer: Answer): string;
    /** Passes an answer on. Returns false if it belongs to no request. */
    settle(c: Control): boolean;
    /** Fails all requests, since the connection is lost. */
    reset(): void;
}
