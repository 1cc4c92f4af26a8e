import { type Socket } from './options.js';

/** shut closes a WebSocket that nobody listens to any more. Says whether closed will be called. */
export function shut(socket: Socket, code: number, reason: string, closed: () => void): boolean {
  if (socket.readyState === 3) {
    return false;
  }
  socket.onclose = closed;
  try {
    socket.close(code, reason);
  } catch {
    socket.close(); // the code or the reason is not one that may be sent
  }
  return true;
}

/**
 * known says whether it is known why there was no connection, and that it was not for a subprotocol: nobody answered,
 * or with a status for something else. Browsers do not tell.
 */
export const known = (reason: string): boolean => /\bE[A-Z_]{5,}|timeout|response: (?!400|426)\d/.test(reason);
