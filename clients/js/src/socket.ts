import { type Socket } from './options.js';

/** closeSocket closes a WebSocket without listeners. Returns whether closed will be called. */
export function closeSocket(socket: Socket, code: number, reason: string, closed: () => void): boolean {
  if (socket.readyState === 3) {
    return false;
  }
  socket.onclose = closed;
  try {
    socket.close(code, reason);
  } catch {
    socket.close(); // the code or the reason is not allowed
  }
  return true;
}

/**
 * isUnrelated reports whether the reason of a failed connection shows that the subprotocol is not to blame: nobody
 * answered, or the HTTP status is for something else. Browsers give no reason.
 */
export const isUnrelated = (reason: string): boolean => /\bE[A-Z_]{5,}|timeout|response: (?!400|426)\d/.test(reason);
