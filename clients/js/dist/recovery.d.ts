import type { Connection } from './connection.js';
import { type Control } from './control.js';
import type { Message, Position } from './types.js';
/**
 * Rooms follows the rooms that have a history. It emits each message of a room once and in order, or reports that some
 * are lost. docs/PROTOCOL.md describes the rules, in the section Recovery.
 */
export declare class Rooms {
    #private;
    constructor(connection: Connection, maxHeld: number);
    /** Returns the position of the last message that was emitted. */
    position(room: string): Position | undefined;
    /** Drops what was held back, since the connection is lost. The next connection asks for it again. */
    reset(): void;
    onData(message: Message): void;
    onPosition(p: Control): void;
    onJoined(p: Control): void;
    onLeft(room: string): void;
}
