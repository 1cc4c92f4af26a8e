/** The longest delay of a timer: a timer with a longer one fires at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/** Timers holds the timers of a connection. */
export class Timers {
  #timers = new Set<ReturnType<typeof setTimeout>>();

  /** Calls f after ms milliseconds, unless stopped before. */
  later(ms: number, f: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      f();
    }, ms);
    this.#timers.add(timer);
  }

  stop(): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#timers.clear();
  }
}
