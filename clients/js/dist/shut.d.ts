import { type Socket } from './options.js';
/** shut closes a WebSocket that nobody listens to any more. Says whether closed will be called. */
export declare function shut(socket: Socket, code: number, reason: string, closed: () => void): boolean;
/**
 * known says whether it is known why there was no connection, and that it was not for a subprotocol: nobody answered,
 * or with a status for something else. Browsers do not tell.
 */
export declare const known: (reason: string) => boolean;
