import type { Closing, Data } from './options.js';
/** `closed`: it does not connect by itself. `waiting`: it connects after a delay. */
export type State = 'closed' | 'connecting' | 'open' | 'waiting';
export interface Opened {
    /** The id of the connection; empty where the server does not speak `azuhost.v1`. */
    conn: string;
    /** The agreed subprotocol. */
    protocol: string;
    /** It is not the first connection of this client. */
    again: boolean;
}
export interface Closed extends Closing {
    /** Milliseconds until it reconnects; undefined: it does not. */
    retryIn: number | undefined;
}
/** The position of a message in the history of a room. */
export interface Position {
    epoch: string;
    offset: number;
}
/** A message of the channel. */
export interface Message {
    /** Text, or the bytes of a binary message. */
    data: string | ArrayBuffer;
    /** The room that it was sent to, and its position there: only for rooms with a history. */
    room?: string;
    epoch?: string;
    offset?: number;
}
/** The result of recovering a room after a connection, or some of the messages, was lost. */
export interface Recovered extends Position {
    room: string;
    /** true: `count` messages follow, all that were missed. false: missed messages are lost, and the room continues at `offset`. */
    recovered: boolean;
    count: number;
}
/** The users in a watched room, and a change of them. */
export interface Presence {
    room: string;
    /** All users, sorted. */
    users: string[];
    joined: string[];
    left: string[];
}
export interface Events {
    open: Opened;
    /** A connection ended, or failed to open. */
    close: Closed;
    message: Message;
    recovered: Recovered;
    presence: Presence;
    /** The connection became a member of a room that has a history, or left it. */
    joined: Position & {
        room: string;
    };
    left: {
        room: string;
    };
    /** A queued message that will not be sent. */
    drop: {
        data: Data;
    };
    /** A failure that no promise reports. The client continues. */
    error: Error;
    state: State;
}
