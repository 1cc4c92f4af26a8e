import type { Control } from './control.js';
import type { Events } from './types.js';

/** Connection is the part of the client that rooms and watches use. */
export interface Connection {
  /** Returns the id of the connection. */
  id(): string;
  /** Sends a request. answer is called with the answer, in order with the messages. Without a connection nothing happens. */
  request(type: string, members: object, answer: (control: Control) => void): void;
  /** Calls f after a delay that grows with attempt, unless the connection ends before. */
  retry(attempt: number, f: () => void): void;
  emit<K extends keyof Events>(type: K, event: Events[K]): void;
}
