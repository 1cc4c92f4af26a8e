import { type Socket } from './options.js';
/** shut closes a WebSocket that nobody listens to any more. Says whether closed will be called. */
export declare function shut(socket: Socket, code: number, reason: string, closed: () => void): boolean;
