import { type Control, encodeControl, problem } from './control.js';
import type { Timers } from './timers.js';

/** What a host is asked it answers soon, unless the answer was dropped with what was too much for a slow reader. */
const ANSWER = 10_000;

export type Answer = (control: Control) => void;

/** What the host was asked in this connection, and has not answered yet. */
export class Asked {
  #answers = new Map<number, Answer>();
  #id = 0;
  #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The message to send. answer is called once: with what the host says, or why it says nothing. */
  ask(type: string, members: object, answer: Answer): string {
    const id = ++this.#id;
    const answers = this.#answers.set(id, answer);
    this.#timers.later(ANSWER, () => answers.delete(id) && answer(problem('TIMEOUT', 'no answer')));
    return encodeControl({ type, id, ...members });
  }

  /** Hands an answer on. Says whether it is one to something that was asked. */
  answered(c: Control): boolean {
    const answer = this.#answers.get(c.id!);
    this.#answers.delete(c.id!);
    answer?.(c);
    return !!answer;
  }

  /** The connection is lost, and with it what was asked. */
  lost(): void {
    const answers = this.#answers;
    this.#answers = new Map();
    answers.forEach((answer) => answer(problem('DISCONNECTED', 'not connected')));
  }
}
