import { type Control, encodeControl, failure } from './control.js';
import type { Timers } from './timers.js';

/** How long to wait for an answer. The host answers soon, but may drop an answer to a client that reads too slowly. */
const ANSWER_TIMEOUT = 10_000;

export type Answer = (control: Control) => void;

/** Requests holds the requests of a connection that the host has not answered. */
export class Requests {
  #answers = new Map<number, Answer>();
  #id = 0;
  #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Returns the message to send. answer is called once, with the answer of the host or an error. */
  add(type: string, members: object, answer: Answer): string {
    const id = ++this.#id;
    const answers = this.#answers.set(id, answer);
    this.#timers.later(ANSWER_TIMEOUT, () => answers.delete(id) && answer(failure('TIMEOUT', 'no answer')));
    return encodeControl({ type, id, ...members });
  }

  /** Passes an answer on. Returns false if it belongs to no request. */
  settle(c: Control): boolean {
    const answer = this.#answers.get(c.id!);
    this.#answers.delete(c.id!);
    answer?.(c);
    return !!answer;
  }

  /** Fails all requests, since the connection is lost. */
  reset(): void {
    const answers = this.#answers;
    this.#answers = new Map();
    answers.forEach((answer) => answer(failure('DISCONNECTED', 'not connected')));
  }
}
