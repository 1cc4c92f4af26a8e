import type { Control } from './control.js';
import type { Events } from './events.js';

/** What rooms and watches need of the client. */
export interface Host {
  /** The id of the connection. */
  conn(): string;
  /** Sends a request, and calls back with its answer, in order with the messages. Without a connection it does nothing. */
  ask(type: string, members: object, answer: (control: Control) => void): void;
  /** Calls back after a while that grows with the attempts, unless the connection ends before. */
  later(attempt: number, f: () => void): void;
  emit<K extends keyof Events>(type: K, event: Events[K]): void;
}
