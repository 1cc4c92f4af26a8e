export type Listener<E> = (event: E) => void;

/** Emitter calls listeners with events, in the order of the events. */
export class Emitter<M> {
  #listeners = new Map<keyof M, Set<Listener<any>>>();

  /** Calls the listener for each event of the type. Returns a function that removes it. */
  on<K extends keyof M>(type: K, listener: Listener<M[K]>): () => void {
    let all = this.#listeners.get(type);
    if (!all) {
      this.#listeners.set(type, (all = new Set()));
    }
    all.add(listener);
    return () => this.off(type, listener);
  }

  /** Calls the listener for the next event of the type. Returns a function that removes it. */
  once<K extends keyof M>(type: K, listener: Listener<M[K]>): () => void {
    const off = this.on(type, (event) => {
      off();
      listener(event);
    });
    return off;
  }

  off<K extends keyof M>(type: K, listener: Listener<M[K]>): void {
    this.#listeners.get(type)?.delete(listener);
  }

  /** A listener that throws affects neither the others nor the client: its error is reported as uncaught. */
  protected emit<K extends keyof M>(type: K, event: M[K]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(event);
      } catch (err) {
        queueMicrotask(() => {
          throw err;
        });
      }
    }
  }
}
