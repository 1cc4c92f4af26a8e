/**
 * An error of the client or the host. `code` is for programs:
 *
 * - `QUEUE_FULL`: the queue of `send`, or of an iterator, is full
 * - `CLOSED`: the client is closed, and does not reconnect by itself
 * - `DISCONNECTED`: there is no connection, or it was lost before the answer came
 * - `NO_PROTOCOL`: the server does not speak `azuhost.v1`
 * - and the codes of the host: `NOT_MEMBER`, `NOT_SHARED`, `UNAUTHORIZED` …
 */
export declare class AzuhostError extends Error {
    readonly code: string;
    constructor(code: string, message: string);
}
