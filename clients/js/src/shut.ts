import { type Socket } from './options.js';

/** shut closes a WebSocket that nobody listens to any more. Says whether closed will be called. */
export function shut(socket: Socket, code: number, reason: string, closed: () => void): boolean {
  if (socket.readyState === 3) {
    return false;
  }
  socket.onclose = closed;
  socket.close(code, reason);
  return true;
}
