/** The longest time of a timer: one that is set to more fires at once. */
export const LONGEST = 2 ** 31 - 1;

/** What is to be done later, unless the connection ends before. */
export class Timers {
  #timers = new Set<ReturnType<typeof setTimeout>>();

  /** Calls f after that many milliseconds, unless stopped before. */
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
