import { type Control } from './control.js';
import type { Host } from './host.js';
/** A place in the history of a room. */
export interface Position {
    epoch: string;
    offset: number;
}
/** A message of the channel. */
export interface Message {
    /** Text, or the bytes of a binary message. */
    data: string | ArrayBuffer;
    /** The room that it was sent to, and its place there: for rooms with a history only. */
    room?: string;
    epoch?: string;
    offset?: number;
}
/** What became of a room after the connection, or a part of the messages, was lost. */
export interface Recovered extends Position {
    room: string;
    /** true: `count` messages follow, all that were missed. false: what was missed is lost, and `offset` is where it goes on. */
    recovered: boolean;
    count: number;
}
/**
 * Rooms follows the rooms of a channel that have a history: each message of a room is handed on once and in order, or
 * it is said that some are lost. The rules are in docs/PROTOCOL.md, under Recovery.
 */
export declare class Rooms {
    #private;
    constructor(host: Host, maxHeld: number);
    /** Where a room stands: after the last message that was handed on. */
    position(room: string): Position | undefined;
    /** The connection is lost: what was held back will be asked for again. */
    lost(): void;
    data(message: Message): void;
    onPosition(p: Control): void;
    onJoined(p: Control): void;
    onLeft(room: string): void;
}
