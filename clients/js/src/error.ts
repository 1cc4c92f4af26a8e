/**
 * Why something was refused. `code` is for programs:
 *
 * - `QUEUE_FULL`: nothing more fits into the queue of `send`, or of an iterator
 * - `CLOSED`: the client is closed, and does not connect again by itself
 * - `DISCONNECTED`: there is no connection now, or it was lost before the answer came
 * - `NO_PROTOCOL`: the server does not speak `azuhost.v1`
 * - and those that the host answers with: `NOT_MEMBER`, `NOT_SHARED`, `UNAUTHORIZED` …
 */
export class AzuhostError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'AzuhostError';
    this.code = code;
  }
}
