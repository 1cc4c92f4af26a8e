import type { Closing, Data } from './options.js';
import type { Presence } from './presence.js';
import type { Message, Position, Recovered } from './recovery.js';

/** `closed`: it does not connect by itself. `waiting`: it will, after a while. */
export type State = 'closed' | 'connecting' | 'open' | 'waiting';

export interface Opened {
  /** The id of the connection; empty where the server does not speak `azuhost.v1`. */
  conn: string;
  /** The subprotocol that was agreed on. */
  protocol: string;
  /** It is not the first connection of this client. */
  again: boolean;
}

export interface Closed extends Closing {
  /** It connects again, after so many milliseconds; undefined: it does not. */
  retryIn: number | undefined;
}

export interface Events {
  open: Opened;
  /** A connection ended, or did not come about. */
  close: Closed;
  message: Message;
  recovered: Recovered;
  presence: Presence;
  /** The connection became a member of a room that has a history, or is not one any more. */
  joined: Position & { room: string };
  left: { room: string };
  /** A message that was to be sent was dropped. */
  drop: { data: Data };
  /** Something went wrong that nobody waits for; the client goes on. */
  error: Error;
  state: State;
}

export type Listener<E> = (event: E) => void;

/** Emitter tells listeners of events, in the order in which they came. */
export class Emitter<M> {
  #listeners = new Map<keyof M, Set<Listener<any>>>();

  /** Calls the listener for each such event. Gives a function that ends it. */
  on<K extends keyof M>(type: K, listener: Listener<M[K]>): () => void {
    let all = this.#listeners.get(type);
    if (!all) {
      this.#listeners.set(type, (all = new Set()));
    }
    all.add(listener);
    return () => this.off(type, listener);
  }

  /** Calls the listener for the next such event. Gives a function that ends it. */
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

  /** A listener that throws upsets neither the others nor the client: its error is reported as uncaught. */
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
