import { type Control } from './control.js';
import type { Timers } from './timers.js';
export type Answer = (control: Control) => void;
/** What the host was asked in this connection, and has not answered yet. */
export declare class Asked {
    #private;
    constructor(timers: Timers);
    /** The message to send. answer is called once: with what the host says, or why it says nothing. */
    ask(type: string, members: object, answer: Answer): string;
    /** Hands an answer on. Says whether it is one to something that was asked. */
    answered(c: Control): boolean;
    /** The connection is lost, and with it what was asked. */
    lost(): void;
}
