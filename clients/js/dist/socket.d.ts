import { type Socket } from './options.js';
/** closeSocket closes a WebSocket without listeners. Returns whether closed will be called. */
export declare function closeSocket(socket: Socket, code: number, reason: string, closed: () => void): boolean;
/**
 * isUnrelated reports whether the reason of a failed connection shows that the subprotocol is not to blame: nobody
 * answered, or the HTTP status is for something else. Browsers give no reason.
 */
export declare const isUnrelated: (reason: string) => boolean;
